// Requests that are built where the worker reads them, replies that are looked at where it built them.
#include <doctest/doctest.h>

#include <algorithm>
#include <bulkhead/host/session.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/in_place.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("what is built in place arrives, and what is viewed in place is what the plugin built") {
    Service service("overwriter", roomy());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{72}, std::size_t{73}, std::size_t{88},
                                   std::size_t{89}, std::size_t{4096}, kLimit - 1, kLimit}) {
        CAPTURE(size);
        auto request = prepared(service.plugin(), size);
        CHECK(request.size() == size);
        const auto view = service.plugin().call_in_place(std::move(request));
        REQUIRE_MESSAGE(view.has_value(), view.error().message);
        CHECK(view->in_place() == (size > Bytes::kSmall));
        CHECK((text_of(*view) == answer_to(size)));
        CHECK((view->copy().text() == answer_to(size)));
        // The other combinations of copied and not.
        const auto copied = service.plugin().call(prepared(service.plugin(), size));
        CHECK((summary(copied) == "ok: " + answer_to(size)));
        const auto viewed = service.plugin().call_in_place("next", pattern(size));
        REQUIRE(viewed.has_value());
        CHECK((text_of(*viewed) == answer_to(size)));
    }
    CHECK(unaccounted(service.plugin().stats()) == "");
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("parts of a view are copied out, and nothing beyond its end") {
    Service service("overwriter", roomy());
    for (const std::size_t size : {std::size_t{10}, std::size_t{1000}}) {
        auto view = service.plugin().call_in_place("next", pattern(size));
        REQUIRE(view.has_value());
        std::array<std::byte, 4> part{};
        CHECK(view->read(size - 4, part));
        CHECK(std::equal(part.begin(), part.end(), view->bytes().end() - 4));
        part = {};
        CHECK_FALSE(view->read(size - 3, part));
        CHECK_FALSE(view->read(size + 1, {}));
        CHECK_FALSE(view->read(SIZE_MAX, part));
        CHECK(view->read(size, {}));
        CHECK(part == std::array<std::byte, 4>{});
        UntrustedView moved = std::move(*view);
        CHECK(view->empty());
        CHECK((text_of(moved) == answer_to(size)));
        moved.release();
        moved.release();
        CHECK(moved.empty());
        CHECK_FALSE(moved.in_place());
    }
}

TEST_CASE("a request can be shorter than its buffer") {
    Service service("overwriter", roomy());
    for (const std::size_t size : {std::size_t{50}, std::size_t{5000}}) {
        auto request = prepared(service.plugin(), size);
        request.truncate(size * 2);
        CHECK(request.size() == size);
        request.truncate(10);
        CHECK(summary(service.plugin().call(std::move(request))) == "ok: " + answer_to(10));
    }
}

TEST_CASE("a trace id goes with prepared requests of every size") {
    Service service("overwriter", roomy());
    CallOptions options;
    options.trace = TraceId{'t', 'r', 'a', 'c', 'e', '-', 'n', 'u', 'm', 'b', 'e', 'r', '-', '1', '2', '3'};
    for (const std::size_t size : {0, 1, 72, 73, 88, 89, 5000}) {
        CAPTURE(size);
        auto request = service.plugin().prepare("trace", size);
        REQUIRE(request.has_value());
        CHECK(summary(service.plugin().call(std::move(*request), options)) == "ok: trace-number-123");
    }
}

TEST_CASE("the worker can change what is viewed in place, and a copy it cannot") {
    Service service("overwriter", roomy());
    const auto view = service.plugin().call_in_place("next", std::string(5000, 'a'));
    REQUIRE(view.has_value());
    const Bytes copy = view->copy();
    REQUIRE((copy.text() == std::string(5000, 'b')));
    REQUIRE(summary(service.plugin().call("overwrite", "!")) == "ok: ");
    CHECK((text_of(*view) == std::string(5000, '!')));
    CHECK((copy.text() == std::string(5000, 'b')));
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("a reply's room is not used again before its view is released") {
    Service service("overwriter", roomy());
    std::vector<UntrustedView> views;
    for (int turn = 0; turn < 8; ++turn) {
        auto view = service.plugin().call_in_place("next", std::string(3000, static_cast<char>('a' + turn)));
        REQUIRE(view.has_value());
        REQUIRE(view->in_place());
        views.push_back(*std::move(view));
    }
    for (int turn = 0; turn < 8; ++turn) {
        CHECK((text_of(views[static_cast<std::size_t>(turn)]) == std::string(3000, static_cast<char>('b' + turn))));
    }
    const std::byte* const first = views.front().bytes().data();
    views.clear();
    const auto again = service.plugin().call_in_place("next", std::string(3000, 'x'));
    CHECK(again->bytes().data() == first);
}

TEST_CASE("views that are kept for ever take half of the room and stop nobody") {
    constexpr int kInFlight = 8;
    Service service("overwriter",
                    merged(kEndlessRestarts,
                           {{"limits", {{"payload", kLimit}, {"in_flight", kInFlight}, {"in_flight_bytes", 1}}}}));
    SUBCASE("of the calls") {
        std::vector<UntrustedView> kept;
        for (int turn = 0; turn < 10 * kInFlight; ++turn) {
            auto view = service.plugin().call_in_place("next", pattern(100));
            REQUIRE_MESSAGE(view.has_value(), view.error().message);
            CHECK(view->in_place() == (turn < kInFlight / 2));
            CHECK((text_of(*view) == answer_to(100)));
            kept.push_back(*std::move(view));
        }
        kept.clear();
        CHECK(service.plugin().call_in_place("next", pattern(100))->in_place());
    }
    SUBCASE("of the bytes: the largest reply always finds its place") {
        std::vector<UntrustedView> kept;
        for (int turn = 0; turn < 20; ++turn) {
            auto view = service.plugin().call_in_place("next", pattern(turn == 0 ? 100 : kLimit));
            REQUIRE_MESSAGE(view.has_value(), view.error().message);
            CHECK(view->in_place() == (turn == 0));
            kept.push_back(*std::move(view));
        }
        CHECK((text_of(kept.back()) == answer_to(kLimit)));
        kept.clear();
        CHECK(service.plugin().call_in_place("next", pattern(kLimit))->in_place());
    }
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a prepared request holds room until it is dropped or answered") {
    Service service("overwriter", merged(kEndlessRestarts, {{"limits", {{"payload", kLimit}, {"in_flight", 1}}}}));
    {
        const auto request = prepared(service.plugin(), 1000);
        CHECK(summary(service.plugin().call("next", "a")) == "overloaded/none");
        const auto second = service.plugin().prepare("next", 1);
        REQUIRE(second.has_error());
        CHECK(second.error().code == ErrorCode::overloaded);
    }
    CHECK(summary(service.plugin().call("next", "a")) == "ok: b");
    auto request = prepared(service.plugin(), 1000);
    request = std::move(request);
    auto moved = std::move(request);
    CHECK_FALSE(request);
    CHECK(request.bytes().empty());
    CHECK((summary(service.plugin().call(std::move(moved))) == "ok: " + answer_to(1000)));
    CHECK(summary(service.plugin().call("next", "a")) == "ok: b");
    CHECK(unaccounted(service.plugin().stats()) == "");
    CHECK(service.plugin().stats().calls == 5);  // a preparation counts when it is refused
}

TEST_CASE("who waits for room gets what a dropped request had") {
    Service service("overwriter", merged(kEndlessRestarts, {{"limits", {{"payload", kLimit}, {"in_flight", 1}}}}));
    CallOptions waits;
    waits.when_full = WhenFull::wait;
    waits.timeout = kPatience;
    std::optional<RequestBuffer> first(prepared(service.plugin(), 1000));
    std::string outcome;
    std::thread waiter([&] {
        auto request = service.plugin().prepare("next", 2, waits);
        if (request) {
            std::fill(request->bytes().begin(), request->bytes().end(), std::byte{'a'});
            outcome = summary(service.plugin().call(*std::move(request)));
        }
    });
    CHECK(eventually([&] { return service.plugin().stats().in_flight == 1; }));  // it waits
    first.reset();
    waiter.join();
    CHECK(outcome == "ok: bb");
}

TEST_CASE("a preparation is refused for the reasons that a call is") {
    Service service("overwriter", merged(kEndlessRestarts, {{"limits", {{"payload", kLimit}}}}));
    const auto too_large = service.plugin().prepare("next", kLimit + 1);
    REQUIRE(too_large.has_error());
    CHECK(too_large.error().code == ErrorCode::too_large);
    CHECK(contains(too_large.error().message, "limits.payload of " + std::to_string(kLimit)));
    const auto unknown = service.plugin().prepare("nothing", 1);
    REQUIRE(unknown.has_error());
    CHECK(unknown.error().code == ErrorCode::no_such_method);
    auto kept = prepared(service.plugin(), 500);
    REQUIRE(service.plugin().stop().has_value());
    const auto stopped = service.plugin().prepare("next", 1);
    REQUIRE(stopped.has_error());
    CHECK(stopped.error().code == ErrorCode::stopped);
    CHECK(summary(service.plugin().call(std::move(kept))) == "stopped/none");
    REQUIRE(service.plugin().start().has_value());
    CHECK((summary(service.plugin().call(prepared(service.plugin(), 500))) == "ok: " + answer_to(500)));
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a request buffer is for one call of the plugin and session that it was prepared by") {
    Service service("overwriter", roomy());
    Service other("overwriter", roomy());
    const Session session = service.plugin().session();
    const auto misused = [](const result<Bytes>& outcome) {
        return summary(outcome) == "invalid_argument/none" && contains(sentence(outcome), "plugin overwriter: ");
    };
    CHECK(misused(other.plugin().call(prepared(service.plugin(), 100))));
    CHECK(misused(session.call(prepared(service.plugin(), 100))));
    CHECK(misused(service.plugin().call(prepared(session, 100))));
    auto used = prepared(service.plugin(), 100);
    const auto moved = std::move(used);
    CHECK(misused(service.plugin().call(std::move(used))));
    CHECK((summary(session.call(prepared(session, 100))) == "ok: " + answer_to(100)));
    CHECK((text_of(*session.call_in_place(prepared(session, 100))) == answer_to(100)));
    CHECK((text_of(*session.call_in_place("next", pattern(100))) == answer_to(100)));
}

TEST_CASE("errors come as they do from other calls") {
    Service service("overwriter", roomy());
    auto request = service.plugin().prepare("fail", 200);
    const auto failed = service.plugin().call_in_place(*std::move(request));
    REQUIRE(failed.has_error());
    CHECK(failed.error().code == ErrorCode::plugin_failed);
    CHECK(failed.error().plugin_number == 7);
    CHECK(contains(failed.error().message, "as it was told"));

    CallOptions brief;
    brief.timeout = std::chrono::milliseconds(20);
    const auto late = service.plugin().call_in_place(*service.plugin().prepare("hang", 200), brief);
    REQUIRE(late.has_error());
    CHECK(late.error().code == ErrorCode::timed_out);

    std::stop_source stop;
    CallOptions stoppable;
    stoppable.stop = stop.get_token();
    auto hanging = service.plugin().prepare("hang", 200);
    std::thread stopper([&] {
        eventually([&] { return service.plugin().stats().in_flight == 1; });
        stop.request_stop();
    });
    const auto cancelled = service.plugin().call_in_place(*std::move(hanging), stoppable);
    stopper.join();
    REQUIRE(cancelled.has_error());
    CHECK(cancelled.error().code == ErrorCode::cancelled);
    const auto at_once = service.plugin().call(prepared(service.plugin(), 200), stoppable);
    CHECK(summary(at_once) == "cancelled/none");
    CHECK((summary(service.plugin().call("next", "a")) == "ok: b"));
    CHECK(unaccounted(service.plugin().stats()) == "");
}

}  // namespace
}  // namespace bulkhead::tests
