#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "bulkhead/transport/layout.hpp"
#include "bulkhead/transport/segment.hpp"

// Debian 12's headers lack these (kernel 6.3 and 5.14).
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace bulkhead::transport {
namespace {

// What mapped_region needs to map a descriptor that it does not own.
class BorrowedDescriptor {
  public:
    explicit BorrowedDescriptor(int number) noexcept : number_(number) {}
    boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept {
        boost::interprocess::mapping_handle_t handle;
        handle.handle = number_;
        handle.is_xsi = false;
        return handle;
    }

  private:
    int number_;
};

std::error_code last_error() { return {errno, std::generic_category()}; }

// RLIMIT_FSIZE counts for memory files too, and going over it would kill the server with SIGXFSZ.
bool allowed_by_file_size_limit(std::uint64_t size) {
    rlimit limit{};
    return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur;
}

// A file that can never be executed as a program. The dynamic loader maps code from it all the same, and a kernel
// with vm.memfd_noexec=2 makes no other.
Descriptor create_memfd(const char* name, std::uint64_t size, std::error_code& error) {
    error.clear();
    if (!allowed_by_file_size_limit(size)) {
        error = std::make_error_code(std::errc::file_too_large);
        return {};
    }
    constexpr std::size_t kLongestName = 249;
    const std::string shown(name, ::strnlen(name, kLongestName));
    Descriptor file(::memfd_create(shown.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
    if (!file && errno == EINVAL) {  // a kernel before 6.3 does not know the flag
        file.reset(::memfd_create(shown.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    }
    if (!file) {
        error = last_error();
    }
    return file;
}

bool write_all(int file, std::span<const std::byte> bytes, off_t offset) {
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), offset);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += count;
    }
    return true;
}

}  // namespace

Descriptor create_segment(const char* name, std::uint64_t size, std::error_code& error, std::string_view tail) {
    Descriptor segment = create_memfd(name, size + tail.size(), error);
    if (segment && (::ftruncate(segment.get(), static_cast<off_t>(size + tail.size())) != 0 ||
                    !write_all(segment.get(), std::as_bytes(std::span(tail)), static_cast<off_t>(size)) ||
                    ::fcntl(segment.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)) {
        error = last_error();
        segment.reset();
    }
    return segment;
}

std::string take_tail(const Descriptor& segment, std::uint64_t size, std::error_code& error) {
    error.clear();
    struct stat status {};
    std::string tail;
    if (::fstat(segment.get(), &status) == 0 && status.st_size > static_cast<off_t>(size)) {
        tail.resize(static_cast<std::uint64_t>(status.st_size) - size);
    }
    const auto begin = static_cast<off_t>(size);
    const auto length = static_cast<ssize_t>(tail.size());
    if (tail.empty() || ::pread(segment.get(), tail.data(), tail.size(), begin) != length ||
        ::fallocate(segment.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, length) != 0) {
        error = tail.empty() ? std::make_error_code(std::errc::invalid_argument) : last_error();
    }
    return tail;
}

Descriptor create_sealed_file(const char* name, std::span<const std::byte> bytes, std::error_code& error) {
    Descriptor file = create_memfd(name, bytes.size(), error);
    // Not F_SEAL_WRITE, for which the kernel waits until nobody holds a page of the file: itself it does for a while,
    // and on a busy machine it gives up (EBUSY). Nobody has a mapping to write through, so the other one is as good.
    if (file &&
        (!write_all(file.get(), bytes, 0) ||
         ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)) {
        error = last_error();
        file.reset();
    }
    return file;
}

void seal_against_new_writers(const Descriptor& segment, std::error_code& error) {
    error.clear();
    if (::fcntl(segment.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
        error = last_error();
    }
}

Mapping Mapping::map(const Descriptor& segment, std::uint64_t size, Access access, std::error_code& error) {
    namespace ipc = boost::interprocess;
    error.clear();
    Mapping mapping;
    struct stat status {};
    if (::fstat(segment.get(), &status) != 0) {
        error = last_error();
        return mapping;
    }
    if (static_cast<std::uint64_t>(status.st_size) < size) {
        error = std::make_error_code(std::errc::invalid_argument);
        return mapping;
    }
    try {
        mapping.region_ = ipc::mapped_region(BorrowedDescriptor(segment.get()),
                                             access == Access::read_write ? ipc::read_write : ipc::read_only, 0, size);
    } catch (const ipc::interprocess_exception& failure) {
        error = {failure.get_native_error(), std::generic_category()};
    }
    return mapping;
}

void Mapping::keep_out_of_forks() const noexcept { ::madvise(data(), size(), MADV_DONTFORK); }

bool populate_for_writing(std::byte* data, std::size_t size) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t begin = address / kPage * kPage;
    const std::uintptr_t end = (address + size + kPage - 1) / kPage * kPage;
    // EINVAL: a kernel before 5.14 cannot say; then the write itself has to find out.
    return ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

}  // namespace bulkhead::transport
