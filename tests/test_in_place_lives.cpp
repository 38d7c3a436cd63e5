// Views and request buffers outlive what they came from.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/in_place.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"

namespace bulkhead::tests {
namespace {

UntrustedView view_of(const Plugin& plugin, std::size_t size) {
    auto view = plugin.call_in_place("next", pattern(size));
    REQUIRE_MESSAGE(view.has_value(), view.error().message);
    REQUIRE(view->in_place());
    return *std::move(view);
}

TEST_CASE("a view can be read after its worker's death") {
    Service service("overwriter", roomy());
    for (int turn = 0; turn < scaled(20); ++turn) {
        UntrustedView view = view_of(service.plugin(), kLimit / 4);
        const pid_t worker = service.worker();
        ::kill(worker, SIGKILL);
        CHECK(await_gone(worker));
        CHECK((text_of(view) == answer_to(kLimit / 4)));
        REQUIRE(service.serves_again());
        const UntrustedView next = view_of(service.plugin(), kLimit / 4);
        CHECK((text_of(view) == answer_to(kLimit / 4)));
        CHECK(view.bytes().data() != next.bytes().data());
        view.release();
        CHECK((text_of(next) == answer_to(kLimit / 4)));
    }
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("views of dead workers take no more room than those of the living one") {
    Service service("overwriter", merged(roomy(), {{"limits", {{"in_flight", 4}}}}));
    std::vector<UntrustedView> views;
    for (int turn = 0; turn < 6; ++turn) {
        auto view = service.plugin().call_in_place("next", pattern(1000));
        REQUIRE_MESSAGE(view.has_value(), view.error().message);
        CHECK(view->in_place() == (turn < 2));
        views.push_back(*std::move(view));
        REQUIRE(service.plugin().restart().has_value());
    }
    for (const UntrustedView& view : views) {
        CHECK((text_of(view) == answer_to(1000)));
    }
}

TEST_CASE("a view and a request buffer outlive the host") {
    Service service("overwriter", roomy());
    auto request = prepared(service.plugin(), 3000);
    auto dropped = std::make_optional(prepared(service.plugin(), 3000));
    UntrustedView view = view_of(service.plugin(), 3000);
    service.end_host();
    CHECK((text_of(view) == answer_to(3000)));
    request.bytes()[0] = std::byte{'z'};
    dropped.reset();
    CHECK(summary(service.plugin().call(std::move(request))) == "stopped/none");
    view.release();
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a view and a request buffer outlive every handle") {
    auto service = std::make_optional<Service>("overwriter", roomy());
    const auto request = prepared(service->plugin(), 3000);
    const UntrustedView view = view_of(service->plugin(), 3000);
    service.reset();
    request.bytes()[2999] = std::byte{'z'};
    CHECK((text_of(view) == answer_to(3000)));
}

TEST_CASE("a view of an unloaded plugin stays what it is when the plugin is loaded again") {
    Service service("overwriter", roomy());
    auto request = prepared(service.plugin(), 3000);
    const UntrustedView view = view_of(service.plugin(), 3000);
    REQUIRE(service.host().unload("overwriter").has_value());
    const Plugin again = load(service.host(), service.folder());
    CHECK((text_of(*again.call_in_place("next", std::string(3000, 'x'))) == std::string(3000, 'y')));
    CHECK((text_of(view) == answer_to(3000)));
    CHECK(summary(again.call(prepared(again, 10))) == "ok: " + answer_to(10));
    CHECK(summary(service.plugin().call(std::move(request))) == "stopped/none");
}

TEST_CASE("a request that was prepared before its worker's death goes to the next one") {
    Service service("overwriter", roomy());
    for (const std::size_t size : {std::size_t{50}, std::size_t{50'000}}) {
        auto request = prepared(service.plugin(), size);
        const pid_t worker = service.worker();
        ::kill(worker, SIGKILL);
        REQUIRE(await_gone(worker));
        CHECK((summary(service.plugin().call(std::move(request))) == "ok: " + answer_to(size)));
    }
    CHECK(eventually([&] { return service.plugin().stats().deaths == 2; }));
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a prepared request that kills is put into quarantine like any other") {
    Service service("overwriter", {{"supervision", {{"restarts", 1000}, {"backoff_ms", 0}, {"quarantine_deaths", 1}}}});
    const auto deadly = [&] {
        auto request = service.plugin().prepare("crash", 300);
        REQUIRE(request.has_value());
        std::fill(request->bytes().begin(), request->bytes().end(), std::byte{'d'});
        return summary(service.plugin().call(*std::move(request)));
    };
    CHECK(deadly() == "quarantined/unknown");
    CHECK(deadly() == "quarantined/none");
    CHECK(service.plugin().stats().deaths == 1);
    CHECK((summary(service.plugin().call(prepared(service.plugin(), 300))) == "ok: " + answer_to(300)));
}

TEST_CASE("a request prepared in a session is lost with the session's worker") {
    Service service("overwriter", roomy());
    const Session session = service.plugin().session();
    REQUIRE(session.call(prepared(session, 100)).has_value());
    auto request = prepared(session, 100);
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    CHECK(summary(session.call(std::move(request))) == "session_lost/none");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("workers follow one another while views and request buffers are held") {
    for (const int standby : {0, 1}) {
        CAPTURE(standby);
        Service service("overwriter", merged(roomy(), {{"supervision", {{"standby", standby}}}}));
        std::vector<UntrustedView> views;
        for (int turn = 0; turn < scaled(10); ++turn) {
            auto request = prepared(service.plugin(), 20'000);
            views.push_back(view_of(service.plugin(), 10'000));
            REQUIRE(service.plugin().restart().has_value());
            CHECK((text_of(*service.plugin().call_in_place(std::move(request))) == answer_to(20'000)));
        }
        for (const UntrustedView& view : views) {
            CHECK((text_of(view) == answer_to(10'000)));
        }
        CHECK(service.plugin().stats().deaths == 0);
        CHECK(unaccounted(service.plugin().stats()) == "");
    }
}

TEST_CASE("a forked child lets go of a view and a request buffer without a trace") {
    Service service("overwriter", roomy());
    auto request = prepared(service.plugin(), 3000);
    UntrustedView view = view_of(service.plugin(), 3000);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        view.release();
        const auto gone = std::move(request);
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK((text_of(view) == answer_to(3000)));
    CHECK((summary(service.plugin().call(std::move(request))) == "ok: " + answer_to(3000)));
}

// Everything at once: each thread holds some views and some requests, and workers die.
TEST_CASE("in-place calls from several threads while workers die have one right outcome each") {
    Service service("overwriter", merged(roomy(), {{"limits", {{"in_flight", 32}}}}));
    std::atomic<bool> stop{false};
    std::atomic<long> wrong{0};
    std::atomic<long> answered{0};
    std::vector<std::thread> callers;
    for (unsigned caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&, caller] {
            std::mt19937 random(caller);
            std::vector<std::pair<UntrustedView, std::size_t>> held;
            while (!stop) {
                const std::size_t size = 1 + random() % 30'000;
                auto request = service.plugin().prepare("next", size);
                if (!request) {
                    wrong += request.error().code == ErrorCode::overloaded ? 0 : 1;
                    held.clear();
                    continue;
                }
                std::memcpy(request->bytes().data(), pattern(size).data(), size);
                if (random() % 8 == 0) {
                    continue;
                }
                auto view = service.plugin().call_in_place(*std::move(request));
                if (!view) {
                    wrong += view.error().code == ErrorCode::crashed ? 0 : 1;
                    continue;
                }
                ++answered;
                held.emplace_back(*std::move(view), size);
                if (held.size() > random() % 10) {
                    for (const auto& [seen, length] : held) {
                        wrong += text_of(seen) == answer_to(length) ? 0 : 1;
                    }
                    held.clear();
                }
            }
        });
    }
    for (int turn = 0; turn < scaled(30); ++turn) {
        const long before = answered;
        CHECK(eventually([&] { return answered > before + 20; }));
        if (const auto pid = service.plugin().call("pid", "")) {
            ::kill(std::stoi(std::string(pid->text())), SIGKILL);
        }
    }
    stop = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(wrong == 0);
    CHECK(unaccounted(service.plugin().stats()) == "");
    CHECK(service.serves_again());
}

}  // namespace
}  // namespace bulkhead::tests
