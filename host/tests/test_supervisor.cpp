#include "supervisor.hpp"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/supervised.hpp"

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using testing::kPatience;
using testing::Supervised;

TEST_CASE("tasks run on the supervisor's one thread, in the order of each thread that posted them") {
    constexpr int kThreads = 4;
    constexpr int kTasks = 5000;
    Supervised supervised;
    std::vector<std::vector<int>> ran(kThreads);
    bool same_thread = true;
    const std::thread::id there = supervised.thread_id();
    std::vector<std::thread> posters;
    for (int poster = 0; poster < kThreads; ++poster) {
        posters.emplace_back([&, poster] {
            for (int task = 0; task < kTasks; ++task) {
                supervised.supervisor.post([&, poster, task] {
                    same_thread = same_thread && std::this_thread::get_id() == there;
                    ran[static_cast<std::size_t>(poster)].push_back(task);
                });
            }
        });
    }
    for (std::thread& poster : posters) {
        poster.join();
    }
    supervised.supervisor.stop();
    CHECK(same_thread);
    for (const std::vector<int>& tasks : ran) {
        CHECK(tasks.size() == kTasks);
        CHECK(std::is_sorted(tasks.begin(), tasks.end()));
    }
}

TEST_CASE("a task can post the next one") {
    Supervised supervised;
    std::promise<void> last;
    std::function<void(int)> chain = [&](int left) {
        if (left == 0) {
            last.set_value();
        } else {
            supervised.supervisor.post([&chain, left] { chain(left - 1); });
        }
    };
    supervised.supervisor.post([&] { chain(1000); });
    CHECK(last.get_future().wait_for(kPatience) == std::future_status::ready);
}

TEST_CASE("stopping runs what was posted before, and nothing afterwards") {
    Supervised supervised;
    int ran = 0;
    for (int task = 0; task < 1000; ++task) {
        CHECK(supervised.supervisor.post([&ran] { ++ran; }));
    }
    supervised.supervisor.stop();
    CHECK(ran == 1000);
    CHECK_FALSE(supervised.supervisor.post([&ran] { ++ran; }));
    CHECK(ran == 1000);
}

TEST_CASE("a task that is posted while the supervisor stops runs, or its poster is told that it will not") {
    for (int round = 0; round < 50; ++round) {
        Supervised supervised;
        std::atomic<int> ran{0};
        int accepted = 0;
        std::thread poster([&] {
            while (supervised.supervisor.post([&ran] { ++ran; })) {
                ++accepted;
            }
        });
        supervised.run([] {});
        supervised.supervisor.stop();
        poster.join();
        CHECK(ran == accepted);
    }
}

TEST_CASE("stopping twice, or what was never started, is fine") {
    Supervised supervised;
    supervised.supervisor.stop();
    supervised.supervisor.stop();
    std::error_code error;
    Supervisor never_started(error);
    CHECK_FALSE(error);
    CHECK(never_started.post([] {}));
    never_started.stop();
    CHECK_FALSE(never_started.post([] {}));
}

TEST_CASE("the server's signal handlers never run on the supervisor") {
    Supervised supervised;
    sigset_t blocked;
    supervised.run([&blocked] { ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked); });
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        const bool is_libc_internal = signal >= 32 && signal < SIGRTMIN;
        if (signal != SIGKILL && signal != SIGSTOP && !is_libc_internal) {
            CAPTURE(signal);
            CHECK(::sigismember(&blocked, signal) == 1);
        }
    }
}

// How often the thread went to sleep by itself.
long naps_of(long thread) {
    std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
    const std::string wanted = "voluntary_ctxt_switches:";
    for (std::string line; std::getline(status, line);) {
        if (line.compare(0, wanted.size(), wanted) == 0) {
            return std::stol(line.substr(wanted.size()));
        }
    }
    return -1;
}

TEST_CASE("an idle supervisor sleeps until its next timer and uses no processor time") {
    Supervised supervised;
    long thread = 0;
    timespec before{};
    timespec after{};
    std::promise<void> fired;
    const auto timer = supervised.supervisor.add_timer([&] {
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        fired.set_value();
    });
    supervised.run([&] {
        thread = ::syscall(SYS_gettid);
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    });
    supervised.supervisor.arm(timer, std::chrono::steady_clock::now() + 300ms);
    const long naps_before = naps_of(thread);
    REQUIRE(fired.get_future().wait_for(kPatience) == std::future_status::ready);
    const auto used =
        std::chrono::seconds(after.tv_sec - before.tv_sec) + std::chrono::nanoseconds(after.tv_nsec - before.tv_nsec);
    CHECK(used < 30ms);
    CHECK(naps_of(thread) - naps_before <= 4);
}

}  // namespace
}  // namespace bulkhead::detail
