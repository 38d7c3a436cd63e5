#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "library_store.hpp"

namespace bulkhead::detail {
namespace {

bool holds(const SealedLibrary& library, std::span<const std::byte> bytes) {
    if (library.size != bytes.size()) {
        return false;
    }
    std::array<std::byte, 16384> chunk;
    for (std::size_t position = 0; position < bytes.size();) {
        const std::size_t wanted = std::min(chunk.size(), bytes.size() - position);
        const ssize_t count = ::pread(library.file.get(), chunk.data(), wanted, static_cast<off_t>(position));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0 || std::memcmp(chunk.data(), bytes.data() + position, static_cast<std::size_t>(count)) != 0) {
            return false;
        }
        position += static_cast<std::size_t>(count);
    }
    return true;
}

}  // namespace

LibraryRef LibraryStore::find(std::uint64_t hash, std::span<const std::byte> bytes) const {
    std::vector<LibraryRef> candidates;
    {
        const std::lock_guard lock(mutex_);
        const auto [begin, end] = libraries_.equal_range(hash);
        for (auto entry = begin; entry != end; ++entry) {
            if (LibraryRef library = entry->second.lock()) {
                candidates.push_back(std::move(library));
            }
        }
    }
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [bytes](const LibraryRef& library) { return holds(*library, bytes); });
    return found == candidates.end() ? nullptr : *found;
}

void LibraryStore::add(const LibraryRef& library) {
    const std::lock_guard lock(mutex_);
    std::erase_if(libraries_, [](const auto& entry) { return entry.second.expired(); });
    libraries_.emplace(library->hash, library);
}

}  // namespace bulkhead::detail
