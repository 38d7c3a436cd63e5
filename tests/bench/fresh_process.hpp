// Measuring in a process that has nothing behind it.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <type_traits>

namespace bulkhead::bench {

// What `work` returns in a child of this process that ends afterwards. Throws what the child threw, as a
// std::runtime_error. While this process has one thread.
std::string bytes_from_fresh_process(const std::function<std::string()>& work);

// The same for a plain value. What a process held before stays in its allocator and would hide what it takes next.
template <typename Work>
auto in_fresh_process(Work&& work) {
    using Value = decltype(work());
    static_assert(std::is_trivially_copyable_v<Value>);
    const std::string bytes = bytes_from_fresh_process([&work] {
        const Value value = work();
        return std::string(reinterpret_cast<const char*>(&value), sizeof value);
    });
    Value value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace bulkhead::bench
