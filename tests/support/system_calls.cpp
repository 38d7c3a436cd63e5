#include "support/system_calls.hpp"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bulkhead/transport/descriptor.hpp>
#include <fstream>
#include <string>

namespace bulkhead::tests {
namespace {

using transport::Descriptor;

std::optional<std::uint64_t> trace_point() {
    for (const char* where : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
        std::ifstream file(std::string(where) + "/events/raw_syscalls/sys_enter/id");
        if (std::uint64_t id = 0; file >> id) {
            return id;
        }
    }
    return std::nullopt;
}

// 0 is the calling thread.
Descriptor counter_of(pid_t thread, std::uint64_t trace_point) {
    perf_event_attr event{};
    event.size = sizeof event;
    event.type = PERF_TYPE_TRACEPOINT;
    event.config = trace_point;
    event.sample_period = 0;
    return Descriptor(static_cast<int>(::syscall(SYS_perf_event_open, &event, thread, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

std::uint64_t value_of(const Descriptor& counter) {
    std::uint64_t value = 0;
    return ::read(counter.get(), &value, sizeof value) == static_cast<ssize_t>(sizeof value) ? value : 0;
}

}  // namespace

std::optional<std::uint64_t> system_calls_during(pid_t other, const std::function<void()>& run) {
    const auto point = trace_point();
    if (!point) {
        return std::nullopt;
    }
    const Descriptor theirs = counter_of(other, *point);
    const Descriptor ours = counter_of(0, *point);
    if (!theirs || !ours) {
        return std::nullopt;
    }
    const std::uint64_t before = value_of(theirs) + value_of(ours);
    constexpr std::uint64_t kOwn = 2;  // the readings of our own counter
    run();
    const std::uint64_t after = value_of(theirs) + value_of(ours);
    return after - before - std::min<std::uint64_t>(kOwn, after - before);
}

}  // namespace bulkhead::tests
