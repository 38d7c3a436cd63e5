// Writes the answer of an inspection as JSON, into memory that is there already.
#pragma once

#include <cstddef>
#include <string_view>

#include "elf_library.hpp"

namespace bulkhead::worker {

// The JSON of "Answer of an inspection" in host/transport/LAYOUT.md. A fixed buffer, because a confined process
// cannot ask for memory.
class InspectionText {
  public:
    void write(const ElfLibrary& library) noexcept;
    void write_error(std::string_view error) noexcept;
    std::string_view text() const noexcept { return {buffer_, length_}; }

  private:
    void append(std::string_view text) noexcept;
    void append_quoted(std::string_view text) noexcept;
    void append_symbols(std::string_view list, std::string_view count, const ElfSymbols& symbols,
                        bool exported) noexcept;
    void append_member(std::string_view name, std::string_view value) noexcept;

    // Every byte of a name may become six.
    static constexpr std::size_t kLongestQuoted = 6 * kMaxLibraryName + 2;
    // For the names of exports, and again for those of imports. The host reads no more than a megabyte in all.
    static constexpr std::size_t kSymbolCapacity = std::size_t{256} << 10;
    static constexpr std::size_t kCapacity = (kMaxNeeded + 8) * (kLongestQuoted + 6) + 2 * kSymbolCapacity;
    static_assert(kCapacity < std::size_t{1} << 20);
    char buffer_[kCapacity];
    std::size_t length_ = 0;
};

}  // namespace bulkhead::worker
