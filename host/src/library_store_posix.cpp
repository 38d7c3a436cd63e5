#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "library_store.hpp"

namespace bulkhead::detail {
namespace {

using Chunk = std::array<std::byte, 16384>;

bool has_bytes_of(const SealedLibrary& library, const transport::Descriptor& file) {
    Chunk ours;
    Chunk theirs;
    for (std::uint64_t position = 0; position < library.size; position += ours.size()) {
        const std::size_t wanted = std::min<std::uint64_t>(ours.size(), library.size - position);
        if (read_at(library.file, position, std::span(ours).first(wanted)) ||
            read_at(file, position, std::span(theirs).first(wanted)) ||
            std::memcmp(ours.data(), theirs.data(), wanted) != 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::error_code read_at(const transport::Descriptor& file, std::uint64_t position, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(position));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return {count < 0 ? errno : kTooShort, std::generic_category()};
        }
        position += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

LibraryRef LibraryStore::find(const transport::Descriptor& file, std::uint64_t size) const {
    std::vector<LibraryRef> candidates;
    {
        const std::lock_guard lock(mutex_);
        const auto [begin, end] = libraries_.equal_range(size);
        for (auto entry = begin; entry != end; ++entry) {
            if (LibraryRef library = entry->second.lock()) {
                candidates.push_back(std::move(library));
            }
        }
    }
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [&file](const LibraryRef& library) { return has_bytes_of(*library, file); });
    return found == candidates.end() ? nullptr : *found;
}

void LibraryStore::add(const LibraryRef& library) {
    const std::lock_guard lock(mutex_);
    std::erase_if(libraries_, [](const auto& entry) { return entry.second.expired(); });
    libraries_.emplace(library->size, library);
}

}  // namespace bulkhead::detail
