#include "eventfds.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "surroundings.hpp"

namespace faulty {

std::string saturate_eventfds() {
    constexpr eventfd_t kFull = UINT64_MAX - 1;
    int count = 0;
    for (const auto& [number, target] : open_descriptors()) {
        if (target != "anon_inode:[eventfd]") {
            continue;
        }
        const int flags = ::fcntl(number, F_GETFL);
        ::fcntl(number, F_SETFL, flags | O_NONBLOCK);
        eventfd_t before = 0;
        ::eventfd_read(number, &before);  // empty, it takes the full count in one piece
        ::eventfd_write(number, kFull);
        ::fcntl(number, F_SETFL, flags & ~O_NONBLOCK);
        ++count;
    }
    return std::to_string(count);
}

std::string saturate_pipes() {
    int count = 0;
    for (const auto& [number, target] : open_descriptors()) {
        const int flags = ::fcntl(number, F_GETFL);
        if (!target.starts_with("pipe:") || (flags & O_NONBLOCK) == 0 || (flags & O_ACCMODE) == O_RDONLY) {
            continue;
        }
        const std::string bytes(4096, '\0');
        for (int page = 0; page < 10'000 && ::write(number, bytes.data(), bytes.size()) > 0; ++page) {
        }
        ::fcntl(number, F_SETFL, flags & ~O_NONBLOCK);
        ++count;
    }
    return std::to_string(count);
}

}  // namespace faulty
