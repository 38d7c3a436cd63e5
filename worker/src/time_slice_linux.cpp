#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "time_slice.hpp"

namespace bulkhead::worker {
namespace {

// The first version of Linux's struct sched_attr, which glibc 2.36 lacks; <linux/sched/types.h> cannot stand beside
// <sched.h>.
struct SchedulingAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
};
constexpr std::uint64_t kKeepPolicy = 0x08;  // SCHED_FLAG_KEEP_POLICY

// The kernel takes from 0.1 ms to 100 ms, and 0 for its default, which is 0.7 to 2.8 ms, by the number of cores. The
// longest in a queue is how far everybody there may be ahead or behind, so it must not be much longer than that: with
// 100 ms others waited for two thirds of a second.
constexpr std::array<std::uint64_t, 3> kNanoseconds{0, 100'000, 6'000'000};

}  // namespace

void set_time_slice(TimeSlice slice) noexcept {
    SchedulingAttributes attributes{};
    attributes.size = sizeof attributes;
    attributes.flags = kKeepPolicy;
    attributes.nice = ::getpriority(PRIO_PROCESS, 0);
    attributes.runtime = kNanoseconds[static_cast<std::size_t>(slice)];
    ::syscall(SYS_sched_setattr, 0, &attributes, 0U);
}

}  // namespace bulkhead::worker
