// Reading memory that another process may change at any moment.
//
// A compiler may load plain memory again instead of keeping what it loaded; then a peer could change the value
// between our check and our use. These loads happen exactly once: what was checked is what is used. Every plain
// field of the other side's outbox is read through them; std::atomic fields need no help.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace bulkhead::transport {

// One number. Any thread.
template <typename T>
T read_once(const T& shared) noexcept {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    return *static_cast<const volatile T*>(&shared);
}

// Bytes. Afterwards only the copy is looked at. Any thread.
inline void copy_once(void* to, const void* from, std::size_t size) noexcept {
    std::memcpy(to, from, size);
    // Without it the compiler could look through the copy at its source.
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace bulkhead::transport
