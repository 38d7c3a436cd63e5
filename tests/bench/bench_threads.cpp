// threads: what several threads get out of one plugin together, what each of them gets, and how long one waits at most,
// beside one thread alone.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "benchmark.hpp"
#include "echo_host.hpp"
#include "rounds.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::chrono::milliseconds kLong{500};
constexpr std::chrono::milliseconds kQuick{100};

// What one thread got.
struct Caller {
    std::uint64_t calls = 0;
    std::chrono::nanoseconds longest{0};
    std::string failure;
};

void call_until(const EchoHost& host, const std::atomic<bool>& over, Caller& caller) {
    const std::string request(64, 'x');
    try {
        for (auto begin = Clock::now(); !over.load(std::memory_order_relaxed);) {
            host.echo(request);
            const auto end = Clock::now();
            caller.longest = std::max<std::chrono::nanoseconds>(caller.longest, end - begin);
            begin = end;
            ++caller.calls;
        }
    } catch (const std::exception& error) {
        caller.failure = error.what();
    }
}

struct Result {
    double rate = 0;   // calls in a second, all threads together
    double share = 0;  // of the thread that got least, as part of an even one
    double wait = 0;   // the longest, in milliseconds
};

// The threads inherit the core of the one that starts them: all of them share it, the worker has the other.
Result call_together(const EchoHost& host, std::size_t threads, std::chrono::milliseconds time) {
    std::atomic<bool> over{false};
    std::vector<Caller> callers(threads);
    std::vector<std::thread> running;
    const auto begin = Clock::now();
    for (Caller& caller : callers) {
        running.emplace_back([&host, &over, &caller] { call_until(host, over, caller); });
    }
    std::this_thread::sleep_for(time);
    over = true;
    for (std::thread& thread : running) {
        thread.join();
    }
    const double took = seconds(Clock::now() - begin);
    std::uint64_t all = 0;
    std::uint64_t least = callers.front().calls;
    Result result;
    for (const Caller& caller : callers) {
        if (!caller.failure.empty()) {
            throw std::runtime_error(caller.failure);
        }
        all += caller.calls;
        least = std::min(least, caller.calls);
        result.wait = std::max(result.wait, microseconds(caller.longest) / 1000);
    }
    result.rate = static_cast<double>(all) / took;
    result.share = static_cast<double>(least) * static_cast<double>(threads) / static_cast<double>(all);
    return result;
}

}  // namespace

std::vector<Row> bench_threads(const Effort& effort, const Cores& cores) {
    const EchoHost host;
    pin_process(host.worker(), cores.answerer());
    const PinnedThread pinned(cores.caller());
    const auto time = effort.quick ? kQuick : kLong;
    std::vector<Row> rows;
    for (const std::size_t threads : {1, 2, 4, 8}) {
        const std::string name = "threads." + std::to_string(threads);
        Rounds rate(name, "rate", "1/s", "one thread");
        Rounds share(name, "share", "of even", "an even share");
        Rounds wait(name, "wait", "ms", "the longest wait of one thread");
        for (std::size_t round = 0; round < effort.rounds(); ++round) {
            const Result alone = call_together(host, 1, time);
            const Result together = call_together(host, threads, time);
            rate.add(together.rate, alone.rate);
            share.add(together.share, 1);
            wait.add(together.wait, alone.wait);
        }
        rows.push_back(rate.row());
        rows.push_back(share.row());
        rows.push_back(wait.row_of_largest());
    }
    return rows;
}

}  // namespace bulkhead::bench
