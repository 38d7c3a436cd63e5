// Reading structures out of bytes that nobody vouches for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace bulkhead::worker {

// Borrowed bytes; every read is checked against their end, arithmetic included. Copies; any thread.
class BoundedBytes {
  public:
    explicit BoundedBytes(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    std::uint64_t size() const noexcept { return bytes_.size(); }
    bool has(std::uint64_t offset, std::uint64_t length) const noexcept {
        return length <= bytes_.size() && offset <= bytes_.size() - length;
    }

    template <typename T>
    std::optional<T> read(std::uint64_t offset) const noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        if (!has(offset, sizeof(T))) {
            return std::nullopt;
        }
        T value;
        std::memcpy(&value, bytes_.data() + offset, sizeof value);
        return value;
    }

    // An element of the table that starts at `table`.
    template <typename T>
    std::optional<T> read_element(std::uint64_t table, std::uint64_t index) const noexcept {
        std::uint64_t offset = 0;
        if (__builtin_mul_overflow(index, sizeof(T), &offset) || __builtin_add_overflow(offset, table, &offset)) {
            return std::nullopt;
        }
        return read<T>(offset);
    }

    // A zero-terminated string that ends before `end` and has at most `longest` bytes.
    std::optional<std::string_view> read_string(std::uint64_t offset, std::uint64_t end,
                                                std::size_t longest) const noexcept {
        end = std::min(end, size());
        if (offset >= end) {
            return std::nullopt;
        }
        const char* text = reinterpret_cast<const char*>(bytes_.data()) + offset;
        const std::uint64_t room = std::min<std::uint64_t>(end - offset, longest + 1);
        const std::size_t length = ::strnlen(text, room);
        if (length == room) {
            return std::nullopt;
        }
        return std::string_view(text, length);
    }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace bulkhead::worker
