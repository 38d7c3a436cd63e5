#include "bulkhead/host/repro.hpp"

#include "content_hash.hpp"
#include "repro_format.hpp"
#include "whole_file.hpp"

namespace bulkhead {
namespace {

constexpr std::uint64_t kMost = std::uint64_t{4} << 30;  // of what HostOptions::max_repro_bytes may allow, and more

}  // namespace

result<Repro> read_repro(const std::filesystem::path& file) {
    const auto bytes = detail::read_whole_file(file, kMost);
    if (!bytes) {
        return bytes.error();
    }
    return detail::parse_repro(*bytes, "the file " + file.string());
}

std::optional<std::uint64_t> hash_library(const std::filesystem::path& library) {
    const auto bytes = detail::read_whole_file(library, kMost);
    return bytes ? std::optional(detail::content_hash(std::as_bytes(std::span(*bytes)))) : std::nullopt;
}

}  // namespace bulkhead
