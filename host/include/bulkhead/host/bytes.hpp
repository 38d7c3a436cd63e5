// A reply's bytes.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace bulkhead {

namespace detail {
class ReplyMemory;
}

// Owns bytes; small ones without an allocation. Move-only. `view` and `text` are valid as long as this object
// stays where it is.
class Bytes {
  public:
    static constexpr std::size_t kSmall = 88;

    Bytes() noexcept : size_(0) {}
    explicit Bytes(std::span<const std::byte> source) : Bytes(uninitialized(source.size())) {
        if (!source.empty()) {
            std::memcpy(data(), source.data(), source.size());
        }
    }
    static Bytes uninitialized(std::size_t size) {
        Bytes bytes;
        if (size > kSmall) {
            bytes.large_ = std::make_shared_for_overwrite<std::byte[]>(size);
        }
        bytes.size_ = size;
        return bytes;
    }
    Bytes(Bytes&& other) noexcept : size_(other.size_), large_(std::move(other.large_)) {
        if (!large_) {
            std::memcpy(small_, other.small_, size_);
        }
        other.size_ = 0;
    }
    Bytes& operator=(Bytes&& other) noexcept {
        if (this != &other) {
            size_ = other.size_;
            large_ = std::move(other.large_);
            if (!large_) {
                std::memcpy(small_, other.small_, size_);
            }
            other.size_ = 0;
        }
        return *this;
    }

    std::byte* data() noexcept { return large_ ? large_.get() : small_; }
    const std::byte* data() const noexcept { return large_ ? large_.get() : small_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::span<const std::byte> view() const noexcept { return {data(), size_}; }
    std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data()), size_}; }

  private:
    friend class detail::ReplyMemory;
    // The first `size` bytes of memory that is let go with this object. Not null.
    Bytes(std::shared_ptr<std::byte[]> memory, std::size_t size) noexcept : size_(size), large_(std::move(memory)) {}

    std::size_t size_;
    std::shared_ptr<std::byte[]> large_;  // nobody shares it
    std::byte small_[kSmall];
};

}  // namespace bulkhead
