#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "fault_clock.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kSize = 4096;

}  // namespace

FaultClock::FaultClock() : file_(::memfd_create("bench-fault-clock", MFD_CLOEXEC)), nanoseconds_(nullptr) {
    void* memory = MAP_FAILED;
    if (file_ && ::ftruncate(file_.get(), kSize) == 0) {
        memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    }
    if (memory == MAP_FAILED) {
        throw std::runtime_error(std::string("no memory for a fault's time: ") + std::strerror(errno));
    }
    nanoseconds_ = static_cast<long long*>(memory);
}

FaultClock::~FaultClock() { ::munmap(nanoseconds_, kSize); }

std::string FaultClock::path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file_.get());
}

void FaultClock::reset() noexcept { __atomic_store_n(nanoseconds_, 0, __ATOMIC_RELAXED); }

Clock::time_point FaultClock::fault() const {
    const long long time = __atomic_load_n(nanoseconds_, __ATOMIC_RELAXED);
    if (time == 0) {
        throw std::runtime_error("a worker that was to fault did not write down when");
    }
    return Clock::time_point(std::chrono::nanoseconds(time));
}

}  // namespace bulkhead::bench
