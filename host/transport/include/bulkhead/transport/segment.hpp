// Shared memory without a name.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::transport {

enum class Access { read_only, read_write };

// Creates an anonymous, zeroed shared-memory file of exactly `size` bytes, sealed against shrinking and
// growing. `name` only shows in /proc/PID/maps. Close-on-exec. On failure `error` is set (no descriptor free, no
// memory, over RLIMIT_FSIZE). `tail` follows behind `size`, for somebody to take.
Descriptor create_segment(const char* name, std::uint64_t size, std::error_code& error, std::string_view tail = {});

// What lies behind the segment's first `size` bytes. Its memory is given back.
std::string take_tail(const Descriptor& segment, std::uint64_t size, std::error_code& error);

// Creates a sealed, immutable memory file that holds `bytes`.
Descriptor create_sealed_file(const char* name, std::span<const std::byte> bytes, std::error_code& error);

// From now on nobody can map the segment writable or write to it; mappings made before keep working.
void seal_against_new_writers(const Descriptor& segment, std::error_code& error);

// A mapping of a segment. Owns the mapping, not the descriptor. Move-only; any thread.
class Mapping {
  public:
    Mapping() = default;
    // Maps the first `size` bytes. Fails when the segment is smaller, is sealed against this access, or the address
    // space is used up.
    static Mapping map(const Descriptor& segment, std::uint64_t size, Access access, std::error_code& error);

    std::byte* data() const noexcept { return static_cast<std::byte*>(region_.get_address()); }
    std::size_t size() const noexcept { return region_.get_size(); }
    explicit operator bool() const noexcept { return region_.get_address() != nullptr; }

    // A child that this process forks does not get the mapping.
    void keep_out_of_forks() const noexcept;

    template <typename T>
    T* at(std::uint64_t offset) const noexcept {
        return reinterpret_cast<T*>(data() + offset);
    }

  private:
    boost::interprocess::mapped_region region_;
};

// Makes sure that writing to [data, data + size) finds memory, so that running out of it is an error here and
// not a SIGBUS there. Touches memory; linear in size.
bool populate_for_writing(std::byte* data, std::size_t size) noexcept;

}  // namespace bulkhead::transport
