#include "time_slice.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <thread>

namespace bulkhead::worker {
namespace {

// Since Linux 6.12 the kernel tells the slice of this thread, in nanoseconds; before, 0.
std::uint64_t slice_of_this_thread() {
    std::array<std::uint64_t, 6> attributes{};  // struct sched_attr; the fourth is the runtime
    REQUIRE(::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0U) == 0);
    return attributes[3];
}

bool kernel_knows_slices() {
    utsname name{};
    REQUIRE(::uname(&name) == 0);
    int major = 0;
    int minor = 0;
    REQUIRE(std::sscanf(name.release, "%d.%d", &major, &minor) == 2);
    return major > 6 || (major == 6 && minor >= 12);
}

TEST_CASE("a slice is set, and nothing else changes") {
    std::thread([] {
        const std::uint64_t usual = slice_of_this_thread();
        REQUIRE(::setpriority(PRIO_PROCESS, 0, 5) == 0);  // of this thread
        const auto check = [](TimeSlice slice, std::uint64_t expected) {
            set_time_slice(slice);
            CHECK(slice_of_this_thread() == (kernel_knows_slices() ? expected : 0));
            CHECK(::getpriority(PRIO_PROCESS, 0) == 5);
        };
        check(TimeSlice::shortest, 100'000);
        check(TimeSlice::longest, 6'000'000);
        check(TimeSlice::usual, usual);
    }).join();
}

}  // namespace
}  // namespace bulkhead::worker
