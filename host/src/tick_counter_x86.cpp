#include <cpuid.h>
#include <x86intrin.h>

#include <fstream>
#include <string>

#include "tick_counter.hpp"

namespace bulkhead::detail {

bool ticks_are_steady() noexcept {
    constexpr unsigned kPowerManagement = 0x80000007;
    constexpr unsigned kInvariantTsc = 1U << 8;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(kPowerManagement, &a, &b, &c, &d) == 0 || (d & kInvariantTsc) == 0) {
        return false;
    }
    std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    std::string source;
    // kvm-clock is how a virtual machine reads the same counter: a guest is told that it runs at one speed only when
    // the hypervisor sees to it.
    return file >> source && (source == "tsc" || source == "kvm-clock");
}

std::uint64_t read_ticks() noexcept { return __rdtsc(); }

}  // namespace bulkhead::detail
