#include "whole_file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace bulkhead::detail {

result<std::string> read_whole_file(const std::filesystem::path& file, std::uint64_t limit) {
    const auto refuse = [&file](const std::string& why) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0, "the file " + file.string() + " " + why, nullptr};
    };
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) {
        return refuse("cannot be read: " + std::generic_category().message(error ? error.value() : ENOENT));
    }
    if (!std::filesystem::is_regular_file(status)) {
        return refuse("cannot be read: it is not a file");
    }
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    if (!error && size > limit) {
        return refuse("is larger than " + std::to_string(limit) + " bytes");
    }
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(error ? 0 : size, '\0');
    if (error || !stream.read(bytes.data(), static_cast<std::streamsize>(size))) {
        return refuse("cannot be read: " + std::generic_category().message(errno != 0 ? errno : EIO));
    }
    return bytes;
}

}  // namespace bulkhead::detail
