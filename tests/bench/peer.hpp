// The other process of a reference.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>

namespace bulkhead::bench {

// Zeroed memory that this process and the ones it forks share. Owns the mapping. Throws when there is none.
class SharedMemory {
  public:
    explicit SharedMemory(std::size_t size);
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    // An object in its zeroed memory. T must be an aggregate of atomics and bytes, for which that is a valid value.
    template <typename T>
    T& at(std::size_t offset = 0) const noexcept {
        return *reinterpret_cast<T*>(data_ + offset);
    }
    std::byte* data() const noexcept { return data_; }

  private:
    std::size_t size_;
    std::byte* data_;
};

// A forked process on one core. `run` must touch nothing but shared memory and the kernel, because other threads of
// this process did not come along. The destructor ends it, and it ends with this process.
class Peer {
  public:
    Peer(int core, const std::function<void()>& run);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

  private:
    pid_t pid_ = 0;
};

}  // namespace bulkhead::bench
