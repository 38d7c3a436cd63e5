// A plugin's state on disk, beyond the life of the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bulkhead::detail {

// Value type.
struct StoredState {
    std::uint32_t version = 0;
    std::vector<std::byte> bytes;
};

// What a state file was found to hold. Neither: there is no file.
struct StateReading {
    std::optional<StoredState> state;
    std::string refusal;      // a sentence; the file is there and cannot be used
    bool unreadable = false;  // because it could not be read now: its content may be good
};

// The file of one plugin's state: mode 0600, whole or absent at every moment, also through a power failure. Bytes: a
// StateFileHeader, then the state. Errors are sentences that name plugin and file. Functions block for as long as the
// disk takes; any thread, and other processes meanwhile.
class StateFile {
  public:
    // `plugin` is at most 64 bytes, as in a manifest.
    StateFile(std::filesystem::path path, std::string plugin) : path_(std::move(path)), plugin_(std::move(plugin)) {}

    const std::filesystem::path& path() const noexcept { return path_; }

    // Replaces the file; on disk when it returns. What went wrong, and then the former file is still there, whole.
    std::optional<std::string> write(std::uint32_t version, std::span<const std::byte> state) const;

    // Checked from end to end; `limit` is the manifest's state.limit.
    StateReading read(std::uint64_t limit) const;

    // Renames it to "<name>.refused", or to the first free of "<name>.refused.2" to 9, since the first one may be worth
    // most; then the last is replaced. What went wrong; nothing does when there is no file.
    std::optional<std::string> put_aside() const;

    // There is none, but one that was put aside, which is named.
    std::optional<std::filesystem::path> missing_but_aside() const;

  private:
    std::string sentence(const char* what, const std::string& why) const;

    std::filesystem::path path_;
    std::string plugin_;
};

// How the file begins, in the byte order of the machine.
struct StateFileHeader {
    static constexpr std::uint64_t kMagic = 0x455441'54534B42;  // "BKSTATE" and a zero
    static constexpr std::uint32_t kFormat = 1;

    std::uint64_t magic = kMagic;
    std::uint32_t format = kFormat;
    std::uint32_t state_version = 0;
    std::uint64_t length = 0;           // of the state, which is the rest of the file
    std::uint64_t checksum = 0;         // of the state
    char plugin[64] = {};               // zero-padded
    std::uint64_t header_checksum = 0;  // of everything before it
};
static_assert(sizeof(StateFileHeader) == 104);
static_assert(offsetof(StateFileHeader, length) == 16);
static_assert(offsetof(StateFileHeader, plugin) == 32);
static_assert(offsetof(StateFileHeader, header_checksum) == 96);

}  // namespace bulkhead::detail
