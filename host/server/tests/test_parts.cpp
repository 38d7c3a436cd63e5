// The parts that need neither network nor plugin.
#include <doctest/doctest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <bulkhead/host/report.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "answer.hpp"
#include "job_slots.hpp"
#include "options.hpp"
#include "query.hpp"

namespace bulkhead::server {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("a target is cut into its path and the fields of its query") {
    CHECK(parse_target("/blur").path == "/blur");
    CHECK(parse_target("/blur").query.empty());
    const Target target = parse_target("/blur?radius=8&empty=&flag&=nameless&radius=9");
    CHECK(target.path == "/blur");
    CHECK(target.query.at("radius") == "9");
    CHECK(target.query.at("empty").empty());
    CHECK(target.query.at("flag").empty());
    CHECK(target.query.at("") == "nameless");
    for (const char* strange : {"", "?", "??", "&", "/?&&&", "?=", "/blur?radius"}) {
        static_cast<void>(parse_target(strange));
    }
}

TEST_CASE("options are read, and wrong ones refused") {
    const Options options = parse_options({"--port", "0", "--max-body", "5", "--job-ms", "7", "--debug"});
    CHECK(options.port == 0);
    CHECK(options.limits.body == 5);
    CHECK(options.limits.job_time == 7ms);
    CHECK(options.debug);
    for (const auto& wrong : std::vector<std::vector<std::string>>{
             {"--port", "-1"}, {"--port", "8x"}, {"--port", ""}, {"--jobs", "0"}, {"--jobs"}, {"8080"}}) {
        CHECK_THROWS_AS(parse_options(wrong), BadUsage);
    }
}

// Takes a turn and keeps it until `release` rings.
asio::awaitable<void> hold(JobSlots& slots, std::vector<int>& log, int name, asio::steady_timer& release) {
    const auto turn = co_await slots.take(std::chrono::steady_clock::now() + 60s);
    log.push_back(turn ? name : -name);
    if (turn) {
        co_await release.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

TEST_CASE("turns are given in the order in which they were asked for, and no more than there are") {
    asio::io_context context;
    JobSlots slots(context.get_executor(), 2, 2);
    asio::steady_timer release(context, 60s);
    std::vector<int> log;
    for (const int name : {1, 2, 3, 4, 5}) {
        asio::co_spawn(context, hold(slots, log, name, release), asio::detached);
    }
    context.poll();
    CHECK(log == std::vector<int>{1, 2, -5});
    CHECK(slots.waiting() == 2);
    release.cancel();
    context.poll();
    CHECK(log == std::vector<int>{1, 2, -5, 3, 4});
    release.cancel();
    context.run();
    CHECK(slots.free() == 2);
}

TEST_CASE("who gets no turn in time gets none") {
    asio::io_context context;
    JobSlots slots(context.get_executor(), 1, 2);
    bool refused = false;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            const auto turn = co_await slots.take(std::chrono::steady_clock::now());
            const auto second = co_await slots.take(std::chrono::steady_clock::now());
            refused = turn.has_value() && !second.has_value();
        },
        asio::detached);
    context.run();
    CHECK(refused);
    CHECK(slots.free() == 1);
    CHECK(slots.waiting() == 0);
}

TEST_CASE("an error of the host becomes a status, and a death its report's id") {
    const auto status_of = [](ErrorCode code, std::int32_t number = 0) {
        return static_cast<unsigned>(answer_to(Error{code, Effect::none, number, "because", nullptr}).status);
    };
    CHECK(status_of(ErrorCode::overloaded) == 503);
    CHECK(status_of(ErrorCode::unavailable) == 503);
    CHECK(status_of(ErrorCode::session_lost) == 503);
    CHECK(status_of(ErrorCode::timed_out) == 504);
    CHECK(status_of(ErrorCode::too_large) == 413);
    CHECK(status_of(ErrorCode::no_such_method) == 500);
    CHECK(status_of(ErrorCode::plugin_failed, 1) == 422);
    CHECK(status_of(ErrorCode::plugin_failed, 3) == 415);
    CHECK(status_of(ErrorCode::plugin_failed, 5) == 413);
    CHECK(status_of(ErrorCode::plugin_failed, 6) == 503);
    CHECK(status_of(ErrorCode::plugin_failed, 8) == 504);
    CHECK(status_of(ErrorCode::plugin_failed, 4711) == 500);

    Report report;
    report.id = "image-2-0badcafe";
    const Answer answer =
        answer_to(Error{ErrorCode::crashed, Effect::unknown, 0, "it \"died\"", std::make_shared<Report>(report)});
    CHECK(answer.report == "image-2-0badcafe");
    CHECK(nlohmann::json::parse(answer.text) ==
          nlohmann::json{{"error", "crashed"}, {"message", "it \"died\""}, {"report", "image-2-0badcafe"}});
    CHECK(answer.retry_after == 1s);
}

}  // namespace
}  // namespace bulkhead::server
