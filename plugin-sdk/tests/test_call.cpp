// Call: exactly one answer, from any thread, and none forgotten.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::FakeWorker;

namespace {

struct Caller {
    std::optional<Call> kept;
    std::vector<std::jthread> threads;

    void keep(Call call) { kept = std::move(call); }
    void answer_kept(Call call) {
        kept->reply("late: " + std::string(kept->text()));
        call.reply("done");
    }
    void answer_elsewhere(std::string_view request, Call call) {
        threads.emplace_back([request, call = std::move(call)]() mutable { call.reply(request); });
    }
    void replace(Call& call) { call = std::move(*kept); }
    void replace_owned(Call call) { call = std::move(*kept); }
    void drop(Call) {}
    void drop_elsewhere(Call call) {
        threads.emplace_back([call = std::move(call)] {});
    }
    void fail(Call call) { call.fail(17, "no more paper"); }
    void fail_with_error(Call call) { call.fail(Error(18, "no more ink")); }
    void twice(Call call) {
        call.reply("once");
        call.reply("twice");
    }
    void in_place(std::string_view request, Call& call) {
        const std::span<std::byte> answer = call.reply_buffer(request.size() + 100);
        std::memcpy(answer.data(), request.data(), request.size());
        call.commit_reply(request.size());
    }
    std::string facts(Call& call) {
        std::string text = call.cancelled() ? "cancelled" : "wanted";
        if (call.deadline()) {
            text += " until " + std::to_string(call.deadline()->time_since_epoch() / std::chrono::nanoseconds(1));
        }
        if (call.trace_id()) {
            text += " traced " + std::to_string(call.trace_id()->at(15));
        }
        call.log(LogLevel::warning, "asked for the facts");
        return text + " in " + std::string(call.services().plugin_directory());
    }
    std::string until_cancelled(Call& call) {
        while (!call.cancelled()) {
            std::this_thread::yield();
        }
        return "gave up";
    }
};

constexpr auto methods =
    make_methods<Caller>(method<&Caller::keep>("keep"), method<&Caller::answer_kept>("answer_kept"),
                         method<&Caller::answer_elsewhere>("answer_elsewhere"), method<&Caller::drop>("drop"),
                         method<&Caller::replace>("replace"), method<&Caller::replace_owned>("replace_owned"),
                         method<&Caller::drop_elsewhere>("drop_elsewhere"), method<&Caller::fail>("fail"),
                         method<&Caller::fail_with_error>("fail_with_error"), method<&Caller::twice>("twice"),
                         method<&Caller::in_place>("in_place"), method<&Caller::facts>("facts"),
                         method<&Caller::until_cancelled>("until_cancelled"));
constexpr auto table = make_table<Caller>("caller", "1", methods);

struct Fixture {
    FakeWorker worker{&table};
    Fixture() { REQUIRE(worker.create() == 0); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a call that a handler keeps is answered later, and its request is readable until then") {
    const auto kept = worker.start("keep", "first");
    CHECK_FALSE(kept->answered());
    CHECK(worker.call("answer_kept").text == "done");
    CHECK(kept->wait().text == "late: first");
    CHECK(kept->answers() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a call is answered from another thread") {
    CHECK(worker.call("answer_elsewhere", "over there").text == "over there");
}

TEST_CASE_FIXTURE(Fixture, "a call that is dropped without an answer fails") {
    for (const auto* name : {"drop", "drop_elsewhere"}) {
        const Answer answer = worker.call(name);
        CHECK(answer.kind == Answer::Kind::error);
        CHECK(answer.number == kUnspecified);
        CHECK(answer.text == "dropped without an answer");
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "a call that is overwritten by the next one fails, and one that is still kept at the end too") {
    const auto first = worker.start("keep", "1");
    const auto second = worker.start("keep", "2");
    CHECK(first->wait().text == "dropped without an answer");
    CHECK_FALSE(second->answered());
    worker.destroy();
    CHECK(second->wait().text == "the plugin was stopped before it answered");
    CHECK(second->answers() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a handler that overwrites its own call with another one leaves neither without an answer") {
    const auto kept = worker.start("keep", "");
    const auto replaced = worker.start("replace", "");
    CHECK(kept->wait().kind == Answer::Kind::reply);  // it is what the handler's return answers now
    REQUIRE(replaced->answered());
    CHECK(replaced->wait().text == "dropped without an answer");
    const auto kept_again = worker.start("keep", "");
    const auto owned = worker.start("replace_owned", "");
    REQUIRE(owned->answered());
    CHECK(owned->wait().text == "dropped without an answer");
    CHECK(kept_again->wait().text == "dropped without an answer");
    for (const auto& call : {kept, replaced, kept_again, owned}) {
        CHECK(call->answers() == 1);
    }
}

TEST_CASE_FIXTURE(Fixture, "a handler fails a call with a number and a text of its own") {
    const Answer answer = worker.call("fail");
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.number == 17);
    CHECK(answer.text == "no more paper");
    CHECK(worker.call("fail_with_error").number == 18);
}

TEST_CASE_FIXTURE(Fixture, "a second answer is refused before it reaches the worker, and logged") {
    testing::FakeLog::take();
    const auto call = worker.start("twice", "");
    CHECK(call->wait().text == "once");
    CHECK(call->answers() == 1);
    const auto log = testing::FakeLog::take();
    REQUIRE(log.size() == 1);
    CHECK(log[0].level == BULKHEAD_LOG_ERROR);
    CHECK(log[0].text == "the call has been answered or moved away already");
}

TEST_CASE_FIXTURE(Fixture, "an answer is built in place and may be shorter than its buffer") {
    CHECK(worker.call("in_place", "built here").text == "built here");
}

TEST_CASE_FIXTURE(
    Fixture, "committing more than the buffer has fails the call, and committing twice counts as a second answer") {
    const auto answer_of = [](std::size_t committed) {
        bulkhead_call raw("", {});
        const bulkhead_services& services = testing::fake_services();
        CHECK(services.reply_buffer(&raw, 10) != nullptr);
        services.commit_reply(&raw, committed);
        services.commit_reply(&raw, 5);
        CHECK(raw.answers() == 2);
        CHECK(services.reply_buffer(&raw, 10) == nullptr);
        return raw.wait();
    };
    CHECK(answer_of(10).kind == Answer::Kind::reply);
    CHECK(answer_of(10).text.size() == 10);
    CHECK(answer_of(11).kind == Answer::Kind::error);
    CHECK(answer_of(11).number == 0);
    CHECK(answer_of(11).text == "the plugin committed 11 bytes of a reply buffer that has 10");
}

TEST_CASE_FIXTURE(Fixture, "an answer without room to build it fails the call") {
    const Answer answer = worker.call("in_place", "x", {.payload_limit = 50});
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.text == "there is no room for an answer of 101 bytes");
}

TEST_CASE_FIXTURE(Fixture, "a call knows its deadline, its trace id, whether it is still wanted, and can log") {
    testing::FakeLog::take();
    CHECK(worker.call("facts").text == "wanted in /plugins/under-test");
    const std::uint64_t past = 12345;
    std::array<std::uint8_t, 16> id{};
    id[15] = 99;
    CHECK(worker.call("facts", "", {.deadline = past, .trace_id = id}).text ==
          "cancelled until 12345 traced 99 in /plugins/under-test");
    const auto log = testing::FakeLog::take();
    REQUIRE(log.size() == 2);
    CHECK(log[0].level == BULKHEAD_LOG_WARNING);
    CHECK(log[0].text == "asked for the facts");
}

TEST_CASE_FIXTURE(Fixture, "a handler that runs sees the cancellation of its call") {
    const auto now = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    const auto soon = static_cast<std::uint64_t>(now.time_since_epoch() / std::chrono::nanoseconds(1));
    CHECK(worker.call("until_cancelled", "", {.deadline = soon}).text == "gave up");
}

TEST_CASE_FIXTURE(Fixture, "a call is moved and never copied, and only the last holder answers") {
    bulkhead_call raw("", {});
    Call first(Services(testing::fake_services()), &raw, raw.request());
    Call second(std::move(first));
    // NOLINTBEGIN(bugprone-use-after-move): what a moved-from call does is what this tests
    CHECK_FALSE(static_cast<bool>(first));
    CHECK_THROWS_AS(first.reply(), std::logic_error);
    // NOLINTEND(bugprone-use-after-move)
    CHECK(static_cast<bool>(second));
    second.reply(std::string("kept"));
    CHECK_FALSE(static_cast<bool>(second));
    CHECK(raw.wait().text == "kept");
    CHECK(raw.answers() == 1);
    static_assert(!std::is_copy_constructible_v<Call> && !std::is_copy_assignable_v<Call>);
}
