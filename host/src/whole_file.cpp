#include "whole_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace bulkhead::detail {
namespace {

namespace fs = std::filesystem;

Error unreadable(const fs::path& file, const std::string& why) {
    return Error{ErrorCode::invalid_argument, Effect::none, 0, "the file " + file.string() + " " + why, nullptr};
}

Error unreadable(const fs::path& file, int error) {
    return unreadable(file, "cannot be read: " + std::generic_category().message(error));
}

// Its size.
result<std::uint64_t> look_at(const fs::path& file) {
    std::error_code error;
    const auto status = fs::status(file, error);
    if (!fs::exists(status)) {
        return unreadable(file, error ? error.value() : ENOENT);
    }
    if (!fs::is_regular_file(status)) {
        return unreadable(file, "cannot be read: it is not a file");
    }
    const std::uintmax_t size = fs::file_size(file, error);
    if (error) {
        return unreadable(file, error.value());
    }
    return size;
}

result<std::string> read(const fs::path& file, std::uint64_t size) {
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(size, '\0');
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(size))) {
        return unreadable(file, errno != 0 ? errno : EIO);
    }
    return bytes;
}

}  // namespace

result<std::string> read_whole_file(const fs::path& file, std::uint64_t limit) {
    const auto size = look_at(file);
    if (!size) {
        return size.error();
    }
    if (*size > limit) {
        return unreadable(file, "is larger than " + std::to_string(limit) + " bytes");
    }
    return read(file, *size);
}

result<std::string> read_file_start(const fs::path& file, std::size_t size) {
    const auto whole = look_at(file);
    if (!whole) {
        return whole.error();
    }
    return read(file, std::min<std::uint64_t>(*whole, size));
}

}  // namespace bulkhead::detail
