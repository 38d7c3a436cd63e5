// Shared memory is touched only as it is used, and what was needed once is given back.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/in_place.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"

namespace bulkhead::tests {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// What the host outboxes really take: the segments that this process has open.
std::uint64_t shared_bytes() {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const std::string target = std::filesystem::read_symlink(entry.path(), error);
        struct stat status {};
        if (!error && target.find("outbox") != std::string::npos && ::stat(entry.path().c_str(), &status) == 0) {
            bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
        }
    }
    return bytes;
}

// Leaves the plugin's host outbox with so much touched memory, without a call.
void touch(const Plugin& plugin, const char* method, std::uint64_t bytes) {
    const auto request = plugin.prepare(method, bytes);
    REQUIRE_MESSAGE(request.has_value(), request.error().message);
}

nlohmann::json limited_to(std::uint64_t payload) {
    return merged(kEndlessRestarts, {{"limits", {{"payload", payload}, {"in_flight_bytes", payload}}}});
}

// Small calls from several threads while `act` runs; how many failed.
template <typename Act>
long failures_during(const Plugin& plugin, const char* method, Act&& act) {
    std::atomic<bool> stop{false};
    std::atomic<long> failed{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&, caller] {
            while (!stop) {
                const std::string request(caller == 0 ? 1 : 30, '1');
                failed += plugin.call(method, request).has_value() ? 0 : 1;
            }
        });
    }
    act();
    stop = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    return failed;
}

TEST_CASE("what a plugin takes does not depend on its limits") {
    const auto taken_with = [](std::uint64_t payload) {
        Service service("overwriter", limited_to(payload));
        for (int turn = 0; turn < 1000; ++turn) {
            REQUIRE(service.plugin().call("next", pattern(static_cast<std::size_t>(turn) % 1000)).has_value());
        }
        return shared_bytes();
    };
    const std::uint64_t small = taken_with(kMiB);
    CHECK(taken_with(1024 * kMiB) < small + 64 * 1024);  // a page more where a thread looked at an empty ring
    CHECK(small < kMiB);
}

TEST_CASE("a worker that replaces another one in order gives the memory of large requests back") {
    Service service("overwriter", limited_to(256 * kMiB));
    const std::uint64_t before = shared_bytes();
    const long failed = failures_during(service.plugin(), "next", [&] {
        for (int turn = 0; turn < scaled(10); ++turn) {
            touch(service.plugin(), "next", 100 * kMiB);
            CHECK(shared_bytes() > 100 * kMiB);
            const auto restarted = service.plugin().restart();
            REQUIRE_MESSAGE(restarted.has_value(), restarted.error().message);
            CHECK(eventually([&] { return shared_bytes() < before + kMiB; }));
        }
    });
    CHECK(failed == 0);
    CHECK(service.plugin().stats().deaths == 0);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("after a large payload the memory is given back by itself, and no call notices") {
    for (const int standby : {0, 1}) {
        CAPTURE(standby);
        Service service("overwriter", merged(limited_to(256 * kMiB), {{"supervision", {{"standby", standby}}}}));
        const std::uint64_t before = shared_bytes();
        const pid_t first = service.worker();
        const auto begin = std::chrono::steady_clock::now();
        REQUIRE(service.plugin().call("next", std::string(100 * kMiB, 'a')).has_value());
        // A slow machine may have given it back by now.
        CHECK((shared_bytes() > 100 * kMiB || std::chrono::steady_clock::now() > begin + std::chrono::seconds(5)));
        const long failed = failures_during(service.plugin(), "next",
                                            [&] { CHECK(eventually([&] { return shared_bytes() < before + kMiB; })); });
        CHECK(failed == 0);
        CHECK(service.plugin().stats().deaths == 0);
        CHECK(service.worker() != first);
        CHECK((summary(service.plugin().call("next", pattern(100'000))) == "ok: " + answer_to(100'000)));
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their allocators keep what is freed
// Of this process alone.
std::uint64_t private_bytes() {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;) {
        if (std::uint64_t kib = 0; word == "RssAnon:" && file >> kib) {
            return kib * 1024;
        }
    }
    FAIL("no RssAnon in /proc/self/status");
    return 0;
}

TEST_CASE("the memory of a large reply is kept for the next one, and given back when none comes") {
    auto service = std::make_unique<Service>("overwriter", limited_to(64 * kMiB));
    const Plugin plugin = service->plugin();
    const std::string request(40 * kMiB, 'a');
    const std::uint64_t before = private_bytes();
    const auto replies = [&] {
        REQUIRE(plugin.call("next", request).has_value());
        REQUIRE(plugin.call("next", request).has_value());
    };
    const auto begin = std::chrono::steady_clock::now();
    replies();
    const std::uint64_t kept = private_bytes();
    CHECK((kept > before + 30 * kMiB || std::chrono::steady_clock::now() > begin + std::chrono::milliseconds(900)));
    CHECK(eventually([&] { return private_bytes() < before + 10 * kMiB; }));
    replies();
    service.reset();  // the handle keeps the lane
    CHECK(private_bytes() < before + 10 * kMiB);
}
#endif

TEST_CASE("a request in the slab does not move: the worker is replaced all the same, and the request is right") {
    Service service("overwriter", limited_to(256 * kMiB));
    touch(service.plugin(), "next", 100 * kMiB);
    auto request = prepared(service.plugin(), 100'000);
    const pid_t former = service.worker();
    REQUIRE(service.plugin().restart().has_value());
    CHECK(service.worker() != former);
    CHECK(shared_bytes() > 100 * kMiB);
    CHECK((summary(service.plugin().call(std::move(request))) == "ok: " + answer_to(100'000)));
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("restart comes to its end although the worker that waits for a moment to take over is killed") {
    Service service("overwriter", limited_to(256 * kMiB));
    touch(service.plugin(), "next", 100 * kMiB);
    const auto request = prepared(service.plugin(), 100'000);  // while it lies there, the lane cannot move
    const pid_t former = service.worker();
    auto restarted = std::async(std::launch::async, [&] { return service.plugin().restart().has_value(); });
    const auto next_one = [&]() -> pid_t {
        for (const pid_t other : family_of(::getpid()).others) {
            if (other != former && status_of(other).state == 'S') {
                return other;
            }
        }
        return 0;
    };
    REQUIRE(eventually([&] { return next_one() != 0; }));
    const auto ready = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);  // of the second it waits for
    CHECK(eventually([&] { return std::chrono::steady_clock::now() > ready; }));
    if (const pid_t victim = next_one(); victim != 0) {
        ::kill(victim, SIGKILL);
    }
    const bool ended = restarted.wait_for(kPatience) == std::future_status::ready;
    CHECK(ended);
    if (!ended) {
        service.end_host();  // so that the test ends
    }
}

TEST_CASE("state and waiting calls move with the lane, whoever dies meanwhile") {
    Service service("keeper", limited_to(128 * kMiB));
    std::atomic<bool> stop{false};
    std::atomic<long> acknowledged{0};
    std::atomic<long> doubtful{0};
    std::atomic<long> wrong{0};
    std::vector<std::thread> adders;
    for (int adder = 0; adder < 2; ++adder) {
        adders.emplace_back([&] {
            while (!stop) {
                const auto sum = service.plugin().call("add", "1");
                if (sum) {
                    ++acknowledged;
                } else if (sum.error().code == ErrorCode::crashed) {
                    ++doubtful;
                } else {
                    ++wrong;
                }
            }
        });
    }
    for (int turn = 0; turn < scaled(30); ++turn) {
        touch(service.plugin(), "add", 80 * kMiB);
        std::thread killer([&] {
            if (const auto pid = service.plugin().call("pid", ""); pid && turn % 3 == 0) {
                ::kill(std::stoi(std::string(pid->text())), SIGKILL);
            }
        });
        static_cast<void>(service.plugin().restart());
        killer.join();
        REQUIRE(service.serves_again());
    }
    stop = true;
    for (std::thread& adder : adders) {
        adder.join();
    }
    CHECK(wrong == 0);
    const long count = std::stol(std::string(service.plugin().call("get", "")->text()));
    CHECK(count >= acknowledged);
    CHECK(count <= acknowledged + doubtful);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

}  // namespace
}  // namespace bulkhead::tests
