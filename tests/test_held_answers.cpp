// Answers of a plugin's threads that wait for a checkpoint, while the dispatcher is busy.
#include <doctest/doctest.h>

#include <boost/asio/use_future.hpp>
#include <bulkhead/transport/layout.hpp>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <future>
#include <string>

#include "support/outcomes.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

Service latecomer(const nlohmann::json& supervision = nlohmann::json::object()) {
    return Service("latecomer", merged(merged(kEndlessRestarts, {{"supervision", {{"hang_grace_ms", 20}}}}),
                                       {{"supervision", supervision}}));
}

using Answer = std::future<result<Bytes>>;

Answer start(const Service& service, const char* method, std::string_view request,
             std::chrono::nanoseconds timeout = CallOptions::kNoTimeout) {
    CallOptions options;
    options.timeout = timeout;
    return service.plugin().async_call(method, request, options, boost::asio::use_future);
}

std::string path_in(const ScratchFolder& scratch, const char* name) { return scratch.path() / name; }

TEST_CASE("a plugin whose answer waits for the method that runs is not taken for one that hangs") {
    const ScratchFolder scratch;
    const std::string go_on = path_in(scratch, "go_on");
    const Service service = latecomer();
    Answer late = start(service, "answer_aside", "", 100ms);
    Answer busy = start(service, "wait_for", go_on);
    CHECK(summary(late.get()) == "timed_out/unknown");
    // When it times out, the grace of the first one has been over for long, and the host looks after the worker.
    CHECK(summary(start(service, "answer_aside", "", 300ms).get()) == "timed_out/none");
    CHECK(service.deaths().all().empty());
    std::ofstream(go_on).close();
    CHECK(summary(busy.get()) == "ok: meanwhile");
    CHECK(service.deaths().all().empty());
}

TEST_CASE("the watchdog too leaves a plugin alone whose answer waits for the method that runs") {
    const ScratchFolder scratch;
    const std::string go_on = path_in(scratch, "go_on");
    const Service service = latecomer({{"watchdog_ms", 200}});
    Answer late = start(service, "answer_aside", "");
    Answer busy = start(service, "wait_for", go_on, 60s);
    CHECK(summary(start(service, "answer_aside", "", 600ms).get()) == "timed_out/none");
    CHECK(service.deaths().all().empty());
    std::ofstream(go_on).close();
    CHECK(summary(busy.get()) == "ok: meanwhile");
    CHECK(summary(late.get()) == "ok: late");
}

TEST_CASE("a worker that only says that an answer waits is believed for one call of its dispatcher and no longer") {
    const ScratchFolder scratch;
    const Service service = latecomer();
    const std::string place = std::to_string(offsetof(transport::WorkerOutboxHeader, answers_held));
    Answer never = start(service, "pretend", place, 100ms);
    Answer first = start(service, "wait_for", path_in(scratch, "first"));
    Answer second = start(service, "wait_for", path_in(scratch, "second"));
    CHECK(summary(never.get()) == "timed_out/unknown");
    CHECK(summary(start(service, "wait_for", "", 300ms).get()) == "timed_out/none");
    CHECK(service.deaths().all().empty());
    std::ofstream(path_in(scratch, "first")).close();
    CHECK(summary(first.get()) == "ok: ");
    REQUIRE(service.deaths().await_count(1));  // the second one runs and is within its time
    CHECK(service.deaths().all()[0].cause == Cause::hang);
    CHECK(service.deaths().all()[0].running_method == "pretend");
    CHECK(summary(second.get()) == "crashed/unknown");
}

TEST_CASE("a method that hangs is found though an answer waits for it") {
    const ScratchFolder scratch;
    const Service service = latecomer();
    Answer late = start(service, "answer_aside", "", 100ms);
    Answer busy = start(service, "wait_for", path_in(scratch, "never"), 300ms);
    CHECK(summary(late.get()) == "timed_out/unknown");
    CHECK(summary(busy.get()) == "timed_out/unknown");
    REQUIRE(service.deaths().await_count(1));
    CHECK(service.deaths().all()[0].cause == Cause::hang);
    CHECK(service.deaths().all()[0].running_method == "wait_for");
}

}  // namespace
}  // namespace bulkhead::tests
