#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "support/channel.hpp"
#include "support/child.hpp"

// Debian 12's headers lack it (kernel 6.3).
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

namespace bulkhead::transport {
namespace {

// Tries whatever changes the size or the bytes of the file through its descriptor. Empty: nothing succeeded.
std::string change_through_descriptor(int file, std::uint64_t size) {
    const char byte = 'x';
    const auto length = static_cast<off_t>(size);
    if (::ftruncate(file, length - 4096) == 0 || ::ftruncate(file, 0) == 0) {
        return "it could be shrunk";
    }
    if (::ftruncate(file, length + 4096) == 0 || ::fallocate(file, 0, length, 4096) == 0) {
        return "it could be grown";
    }
    if (::write(file, &byte, 1) > 0 || ::pwrite(file, &byte, 1, 0) > 0) {
        return "it could be written to";
    }
    if (::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0) {
        return "a hole could be punched into it";
    }
    if (::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) != MAP_FAILED) {
        return "it could be mapped writable";
    }
    if (::fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == 0) {
        return "its seals could be changed";
    }
    return {};
}

// The same through a mapping, which is allowed as long as it only reads.
std::string change_through_mapping(int file) {
    void* page = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) {
        return "it cannot be mapped for reading";
    }
    if (::mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0) {
        return "its mapping could be made writable";
    }
    if (::madvise(page, 4096, MADV_REMOVE) == 0) {
        return "its page could be removed";
    }
    return {};
}

std::string change(int file, std::uint64_t size) {
    const std::string direct = change_through_descriptor(file, size);
    if (!direct.empty()) {
        return direct;
    }
    const std::string mapped = change_through_mapping(file);
    if (!mapped.empty()) {
        return mapped;
    }
    // Another description of the same file must not help either.
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    const Descriptor again(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    return again ? change_through_descriptor(again.get(), size) : std::string();
}

TEST_CASE("a worker cannot change the host outbox in any way") {
    const testing::Channel channel = testing::make_channel();
    testing::Child worker(
        [&] { return change(channel.to_worker.descriptor().get(), channel.geometry.host_outbox_size); });
    CHECK(worker.outcome() == "");
    std::error_code error;
    const HostOutboxView view = HostOutboxView::map(channel.to_worker.descriptor(), error);
    CHECK_FALSE(error);
    CHECK(view.geometry() == channel.geometry);
}

TEST_CASE("the host goes on writing to its sealed outbox and the worker sees it") {
    const testing::Channel channel = testing::make_channel();
    channel.to_worker.worker_cell(3).start.store(42);
    testing::Child worker([&] {
        const testing::WorkerEnds ends = testing::map_worker_ends(channel);
        return ends.from_host.worker_cell(3).start.load() == 42 ? "" : "the start position did not arrive";
    });
    CHECK(worker.outcome() == "");
}

TEST_CASE("a worker cannot resize its own outbox so the host never faults on it") {
    const testing::Channel channel = testing::make_channel();
    testing::Child worker([&]() -> std::string {
        const int file = channel.worker_segment.get();
        const auto size = static_cast<off_t>(channel.geometry.worker_outbox_size);
        const bool resized = ::ftruncate(file, 0) == 0 || ::ftruncate(file, size + 4096) == 0;
        return resized ? "it could be resized" : "";
    });
    CHECK(worker.outcome() == "");
}

TEST_CASE("a sealed file keeps its bytes and can be mapped executable") {
    const std::string content(10'000, 'b');
    std::error_code error;
    const Descriptor file = create_sealed_file("bulkhead-test", std::as_bytes(std::span(content)), error);
    REQUIRE_FALSE(error);
    testing::Child worker([&] { return change(file.get(), content.size()); });
    CHECK(worker.outcome() == "");

    void* code = ::mmap(nullptr, content.size(), PROT_READ | PROT_EXEC, MAP_PRIVATE, file.get(), 0);
    REQUIRE(code != MAP_FAILED);
    CHECK(std::memcmp(code, content.data(), content.size()) == 0);
    ::munmap(code, content.size());
}

// Kernels before 6.3 cannot promise it.
bool may_become_a_program(const Descriptor& file) {
    const bool sealed = (::fcntl(file.get(), F_GET_SEALS) & F_SEAL_EXEC) != 0;
    return sealed && ::fchmod(file.get(), 0777) == 0;
}

TEST_CASE("neither a segment nor a sealed file can become a program") {
    const testing::Channel channel = testing::make_channel();
    std::error_code error;
    CHECK_FALSE(may_become_a_program(channel.to_worker.descriptor()));
    CHECK_FALSE(may_become_a_program(channel.worker_segment));
    CHECK_FALSE(may_become_a_program(create_sealed_file("bulkhead-test", {}, error)));
}

TEST_CASE("the host outbox has every seal that a segment can have") {
    const testing::Channel channel = testing::make_channel();
    const int seals = ::fcntl(channel.to_worker.descriptor().get(), F_GET_SEALS);
    CHECK((seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)) ==
          (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL));
}

}  // namespace
}  // namespace bulkhead::transport
