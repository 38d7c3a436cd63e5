// Tries to change what only the host may write.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "bulkhead/plugin/plugin.hpp"

namespace {

struct Mapping {
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
};

Mapping find_host_outbox() {
    Mapping mapping;
    std::FILE* maps = std::fopen("/proc/self/maps", "re");
    char line[512];
    while (mapping.start == 0 && std::fgets(line, sizeof line, maps) != nullptr) {
        Mapping found;
        if (std::strstr(line, "bulkhead-host-outbox") != nullptr &&
            std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &found.start, &found.end) == 2) {
            mapping = found;
        }
    }
    std::fclose(maps);
    if (mapping.start == 0) {
        throw bulkhead::plugin::Error(3, "there is no host outbox here");
    }
    return mapping;
}

std::string verdict(const char* attempt, bool succeeded) {
    return std::string(attempt) + ": " + (succeeded ? "DONE" : strerrorname_np(errno)) + "\n";
}

// Opens the memory behind the mapping once more, which root may do. -1: not even that.
int reopen(const Mapping& mapping) {
    char path[80];
    std::snprintf(path, sizeof path, "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, mapping.start, mapping.end);
    return ::open(path, O_RDWR | O_CLOEXEC);
}

class Trespasser {
  public:
    // Answers lines "ATTEMPT: ERRNO", or "ATTEMPT: DONE" for what should not have been possible.
    std::string trespass() {
        const Mapping mapping = find_host_outbox();
        void* place = reinterpret_cast<void*>(mapping.start);
        const char bytes[8] = {};
        std::string text = verdict("mprotect", ::mprotect(place, 4096, PROT_READ | PROT_WRITE) == 0);
        text += verdict("remove its pages", ::madvise(place, 4096, MADV_REMOVE) == 0);
        const iovec from{const_cast<char*>(bytes), sizeof bytes};
        const iovec to{place, sizeof bytes};
        text += verdict("process_vm_writev", ::process_vm_writev(::getpid(), &from, 1, &to, 1, 0) > 0);
        const int memory = ::open("/proc/self/mem", O_RDWR | O_CLOEXEC);
        text += verdict("write to /proc/self/mem",
                        ::pwrite(memory, bytes, sizeof bytes, static_cast<off_t>(mapping.start)) > 0);
        ::close(memory);
        const int file = reopen(mapping);
        if (file >= 0) {
            text += verdict("write to the file", ::pwrite(file, bytes, sizeof bytes, 0) > 0);
            text += verdict("map the file writable",
                            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) != MAP_FAILED);
            text += verdict("cut the file", ::ftruncate(file, 0) == 0);
            text +=
                verdict("punch a hole", ::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0);
            text += verdict("unseal the file", ::fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == 0);
            ::close(file);
        }
        return text;
    }

    // Just writes.
    void write_to_it() {
        auto* byte = reinterpret_cast<volatile char*>(find_host_outbox().start);
        *byte = 1;
    }
};

}  // namespace

BULKHEAD_PLUGIN(Trespasser, "trespasser", "1.0.0", bulkhead::plugin::method<&Trespasser::trespass>("trespass"),
                bulkhead::plugin::method<&Trespasser::write_to_it>("write"))
