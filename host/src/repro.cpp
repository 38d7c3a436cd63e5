#include "bulkhead/host/repro.hpp"

#include <new>

#include "content_hash.hpp"
#include "repro_format.hpp"
#include "whole_file.hpp"

namespace bulkhead {
namespace {

constexpr std::uint64_t kMost = std::uint64_t{1} << 30;  // of what HostOptions::max_repro_bytes may allow, and more

}  // namespace

result<Repro> read_repro(const std::filesystem::path& file) {
    const std::string origin = "the file " + file.string();
    // What is none is not read to its end, however large it is.
    constexpr std::size_t kLine = 64;
    const auto start = detail::read_file_start(file, kLine);
    if (!start) {
        return start.error();
    }
    if (!start->starts_with(detail::kReproStart)) {
        return detail::parse_repro(*start, origin);
    }
    try {
        const auto bytes = detail::read_whole_file(file, kMost);
        if (!bytes) {
            return bytes.error();
        }
        return detail::parse_repro(*bytes, origin);
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0,
                     origin + " cannot be read: there is no memory for it", nullptr};
    }
}

std::optional<std::uint64_t> hash_library(const std::filesystem::path& library) {
    return detail::content_hash_of(library);
}

}  // namespace bulkhead
