// The part of a method's trial that repeats one request and looks whether the worker grows.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "method_trial.hpp"
#include "process_size.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using Clock = Examination::Clock;

constexpr std::size_t kWindows = 4;
constexpr std::uint64_t kMostCalls = 500;  // in a window
constexpr std::uint64_t kFewestCalls = 8;
constexpr std::uint64_t kManyThreads = 20;

// A sanitizer keeps freed memory for a while, so that what a worker holds says nothing.
constexpr bool kMemoryTells = BULKHEAD_CLI_SANITIZED == 0;

// The worker's size before, between and after windows of equal calls.
struct Growth {
    std::array<ProcessSize, kWindows + 1> sizes{};
    std::uint64_t calls = 0;  // in each window

    // By at least `least` in each window but the first, in which caches fill.
    bool is_steady(std::uint64_t ProcessSize::*figure, std::uint64_t least) const {
        for (std::size_t window = 1; window < kWindows; ++window) {
            if (sizes[window + 1].*figure < sizes[window].*figure + least) {
                return false;
            }
        }
        return true;
    }
    // Per call, after the first window.
    double per_call(std::uint64_t ProcessSize::*figure) const {
        const double grown = static_cast<double>(sizes[kWindows].*figure) - static_cast<double>(sizes[1].*figure);
        return grown / static_cast<double>(calls * (kWindows - 1));
    }
};

// Empty: there was no time, or the worker changed.
std::optional<Growth> measure(const Plugin& plugin, const std::function<void()>& call, Clock::time_point end) {
    Growth growth;
    // The first window ends when its time does; the others have as many calls.
    const auto warm = Clock::now() + (end - Clock::now()) / static_cast<Clock::rep>(kWindows + 1);
    const PluginStatus status = plugin.status();
    for (std::size_t window = 0; window <= kWindows; ++window) {
        const auto size = size_of_process(status.worker_pid);
        if (!size || plugin.status().incarnation != status.incarnation) {
            return std::nullopt;
        }
        growth.sizes[window] = *size;
        if (window == kWindows) {
            break;
        }
        if (window == 1 && growth.sizes[1].threads >= growth.sizes[0].threads + growth.calls / 2) {
            growth.calls = std::min(growth.calls, kManyThreads);  // it is clear what happens; spare the machine
        }
        for (std::uint64_t turn = 0; window == 0 ? turn < kMostCalls && Clock::now() < warm : turn < growth.calls;
             ++turn) {
            call();
            growth.calls += window == 0 ? 1 : 0;
        }
        if (growth.calls < kFewestCalls || Clock::now() > end + (end - warm)) {
            return std::nullopt;
        }
    }
    return growth;
}

std::string rounded(double number) {
    const auto whole = static_cast<std::uint64_t>(number);
    return number < 10 ? std::to_string(whole) + "." + std::to_string(static_cast<std::uint64_t>(number * 10) % 10)
                       : std::to_string(whole);
}

}  // namespace

void MethodTrial::look_for_leaks(const Plugin& plugin, Clock::time_point end) {
    constexpr std::uint64_t kSteadyMemory = std::uint64_t{16} << 10;  // bytes in a window: four pages
    std::size_t left = (served_ ? 1U : 0U) + (declined_ ? 1U : 0U);
    for (const auto& example : {served_, declined_}) {
        if (!example) {
            continue;
        }
        const std::string request = maker_.make(example->number).bytes;
        const auto now = Clock::now();
        const auto growth = measure(
            plugin, [&] { static_cast<void>(call(plugin, request, examination_.patience())); },
            now + (end - now) / static_cast<Clock::rep>(left--));
        if (!growth) {
            continue;
        }
        const auto tell = [&](std::uint64_t ProcessSize::*figure, const std::string& thing, const std::string& advice) {
            examination_.add(Verdict::finding, "leaks",
                             fmt::format("method {}, case {}: each call leaves about {} {} behind{}", method_,
                                         example->number, rounded(growth->per_call(figure)), thing, advice),
                             examination_.replay(method_, std::nullopt));
        };
        if (growth->is_steady(&ProcessSize::descriptors, 1)) {
            tell(&ProcessSize::descriptors, "file descriptors", "");
        }
        // A thread takes memory too; that is told only once.
        const bool may_grow = !kMemoryTells || examination_.options().keeps.contains(method_);
        if (growth->is_steady(&ProcessSize::threads, 1)) {
            tell(&ProcessSize::threads, "threads", "");
        } else if (growth->is_steady(&ProcessSize::memory, kSteadyMemory) && !may_grow) {
            tell(&ProcessSize::memory, "bytes of memory",
                 "; if it is meant to keep something of each call, say so with --keeps " + method_);
        }
    }
}

}  // namespace bulkhead::cli
