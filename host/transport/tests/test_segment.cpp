#include "bulkhead/transport/segment.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/channel.hpp"
#include "support/child.hpp"

namespace bulkhead::transport {
namespace {

// The number that the next descriptor gets.
int next_descriptor() {
    const Descriptor probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return probe.get();
}

std::uint64_t address_space_in_use() {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * kPage;
}

// Whether this process maps a file of such a name.
bool maps_file(const std::string& name) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(name) != std::string::npos) {
            return true;
        }
    }
    return false;
}

// How the kernel describes the mapping that starts at `address`: its access and the name of its file.
struct MappingDescription {
    std::string access;
    std::string file;
};
MappingDescription mapping_at(const void* address) {
    std::ostringstream start;
    start << std::hex << reinterpret_cast<std::uintptr_t>(address) << '-';
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.starts_with(start.str())) {
            return {line.substr(line.find(' ') + 1, 4), line.substr(line.find('/'))};
        }
    }
    return {};
}

TEST_CASE("what lies behind a segment is taken once, and does not show in it") {
    std::error_code error;
    const Descriptor segment = create_segment("bulkhead-test", kPage, error, "what follows");
    REQUIRE(segment);
    CHECK(take_tail(segment, kPage, error) == "what follows");
    CHECK_FALSE(error);
    CHECK(take_tail(segment, kPage, error) == std::string(12, '\0'));
    CHECK(Mapping::map(segment, kPage, Access::read_write, error).size() == kPage);
    CHECK(take_tail(create_segment("bulkhead-test", kPage, error), kPage, error).empty());
    CHECK((error == std::errc::invalid_argument));
}

TEST_CASE("a new segment is zeroed and has its size and closes on exec") {
    std::error_code error;
    const Descriptor segment = create_segment("bulkhead-test", 3 * kPage, error);
    REQUIRE_FALSE(error);
    CHECK((::fcntl(segment.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(::lseek(segment.get(), 0, SEEK_END) == 3 * kPage);
    const Mapping mapping = Mapping::map(segment, 3 * kPage, Access::read_only, error);
    REQUIRE_FALSE(error);
    CHECK(std::all_of(mapping.data(), mapping.data() + mapping.size(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("what one mapping writes the other reads") {
    std::error_code error;
    const Descriptor segment = create_segment("bulkhead-test", kPage, error);
    const Mapping writer = Mapping::map(segment, kPage, Access::read_write, error);
    const Mapping reader = Mapping::map(segment, kPage, Access::read_only, error);
    REQUIRE_FALSE(error);
    writer.data()[17] = std::byte{99};
    CHECK(reader.data()[17] == std::byte{99});
}

TEST_CASE("mapping fails with an error and not an exception") {
    std::error_code error;
    const Descriptor segment = create_segment("bulkhead-test", kPage, error);
    REQUIRE_FALSE(error);
    CHECK_FALSE(Mapping::map(segment, kPage + 1, Access::read_only, error));
    CHECK(error == std::errc::invalid_argument);
    seal_against_new_writers(segment, error);
    CHECK_FALSE(error);
    CHECK_FALSE(Mapping::map(segment, kPage, Access::read_write, error));
    CHECK(error == std::errc::operation_not_permitted);
    CHECK_FALSE(Mapping::map(Descriptor(), kPage, Access::read_only, error));
    CHECK(error == std::errc::bad_file_descriptor);
}

TEST_CASE("a name of any length will do") {
    std::error_code error;
    const std::string name(1000, 'n');
    CHECK(create_segment(name.c_str(), kPage, error));
    CHECK_FALSE(error);
    CHECK(create_sealed_file(name.c_str(), {}, error));
    CHECK_FALSE(error);
}

TEST_CASE("a process that the host forks does not get the host's mappings") {
    const testing::Channel channel = testing::make_channel();
    CHECK(maps_file("bulkhead-host-outbox"));
    CHECK(maps_file("bulkhead-worker-outbox"));
    testing::Child child([&]() -> std::string {
        if (maps_file("bulkhead-host-outbox")) {
            return "it has the host outbox";
        }
        return maps_file("bulkhead-worker-outbox") ? "it has the view of the worker outbox" : "";
    });
    CHECK(child.outcome() == "");
}

// Of a HostOutbox or a HostOutboxView.
template <typename Outbox>
const void* start_of(const Outbox& outbox) {
    return reinterpret_cast<const std::byte*>(&outbox.worker_cell(0)) - offsetof(HostOutboxHeader, cells);
}

TEST_CASE("each side can write to its own outbox alone") {
    const testing::Channel channel = testing::make_channel();
    const testing::WorkerEnds ends = testing::map_worker_ends(channel);
    CHECK(mapping_at(start_of(channel.to_worker)).access == "rw-s");
    CHECK(mapping_at(start_of(ends.from_host)).access == "r--s");
    CHECK(mapping_at(&ends.to_host.header()).access == "rw-s");
    CHECK(mapping_at(&channel.from_worker.header()).access == "r--s");
}

TEST_CASE("no name of a channel appears in /dev/shm") {
    const testing::Channel channel = testing::make_channel();
    CHECK(mapping_at(start_of(channel.to_worker)).file == "/memfd:bulkhead-host-outbox (deleted)");
    CHECK(mapping_at(&channel.from_worker.header()).file == "/memfd:bulkhead-worker-outbox (deleted)");
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
        CHECK(entry.path().filename().string().find("bulkhead") == std::string::npos);
    }
}

TEST_CASE("without a free descriptor nothing is made and nothing leaks") {
    const Geometry geometry = plan_geometry(testing::small_limits()).value();
    testing::Child child([&]() -> std::string {
        const int next = next_descriptor();
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const rlimit used_up{static_cast<rlim_t>(next), limit.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &used_up);
        std::error_code errors[4];
        const bool made = create_segment("bulkhead-test", kPage, errors[0]) ||
                          create_sealed_file("bulkhead-test", {}, errors[1]) ||
                          create_worker_outbox(geometry, "", errors[2]) ||
                          HostOutbox::create(geometry, std::chrono::nanoseconds(0), errors[3]);
        ::setrlimit(RLIMIT_NOFILE, &limit);
        if (made) {
            return "something was made";
        }
        const bool named = std::all_of(std::begin(errors), std::end(errors), [](const std::error_code& error) {
            return error == std::errc::too_many_files_open;
        });
        if (!named) {
            return "the error does not say so";
        }
        return next_descriptor() == next ? "" : "a descriptor leaked";
    });
    CHECK(child.outcome() == "");
}

TEST_CASE("a file size limit of the server is an error and not a SIGXFSZ") {
    testing::Child child([]() -> std::string {
        const rlimit limit{8 * kPage, 8 * kPage};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        std::error_code error;
        if (create_segment("bulkhead-test", 8 * kPage + 1, error) || error != std::errc::file_too_large) {
            return "a segment over the limit: " + error.message();
        }
        const std::vector<std::byte> bytes(8 * kPage + 1);
        if (create_sealed_file("bulkhead-test", bytes, error) || error != std::errc::file_too_large) {
            return "a file over the limit: " + error.message();
        }
        return create_segment("bulkhead-test", 8 * kPage, error) ? "" : "a segment within the limit was refused";
    });
    CHECK(child.outcome() == "");
}

TEST_CASE("without address space the outbox is not made and nothing leaks") {
    ChannelLimits limits;
    limits.in_flight_bytes = kMaxInFlightBytes;
    const Geometry geometry = plan_geometry(limits).value();
    testing::Child child([&]() -> std::string {
        const int next = next_descriptor();
        rlimit limit{};
        ::getrlimit(RLIMIT_AS, &limit);
        const rlimit short_of_it{address_space_in_use() + (std::uint64_t{1} << 30), limit.rlim_max};
        ::setrlimit(RLIMIT_AS, &short_of_it);
        std::error_code error;
        const bool made = static_cast<bool>(HostOutbox::create(geometry, std::chrono::nanoseconds(0), error));
        ::setrlimit(RLIMIT_AS, &limit);
        if (made || !error) {
            return "it was made";
        }
        return next_descriptor() == next ? "" : "a descriptor leaked";
    });
    CHECK(child.outcome() == "");
}

}  // namespace
}  // namespace bulkhead::transport
