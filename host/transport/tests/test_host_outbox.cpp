#include "bulkhead/transport/host_outbox.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <vector>

#include "support/channel.hpp"
#include "support/random.hpp"

namespace bulkhead::transport {
namespace {

// How many pages of [from, from + size) have memory.
std::uint64_t pages_with_memory(const void* from, std::uint64_t size) {
    const auto begin = reinterpret_cast<std::uintptr_t>(from) / kPage * kPage;
    const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(from) + size + kPage - 1) / kPage * kPage;
    std::vector<unsigned char> pages((end - begin) / kPage);
    REQUIRE(::mincore(reinterpret_cast<void*>(begin), end - begin, pages.data()) == 0);
    return static_cast<std::uint64_t>(
        std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; }));
}

std::uint64_t pages_of(std::uint64_t offset, std::uint64_t size) {
    return (offset + size + kPage - 1) / kPage - offset / kPage;
}

TEST_CASE("a fresh host outbox lets no worker serve anything") {
    const testing::Channel channel = testing::make_channel();
    std::error_code error;
    const HostOutboxView view = HostOutboxView::map(channel.to_worker.descriptor(), error);
    REQUIRE_FALSE(error);
    CHECK(view.geometry() == channel.geometry);
    CHECK(view.spin_budget() == std::chrono::microseconds(20));
    for (std::uint32_t index = 0; index < kWorkerCells; ++index) {
        const WorkerCell& cell = view.worker_cell(index);
        CHECK(cell.start.load() == kNoPosition);
        CHECK(cell.stop.load() == kNoPosition);
        CHECK(cell.shut_down.load() == 0);
        CHECK(cell.spin_permit.load() == 0);
        CHECK(cell.host_waits.load() == kHostLooks);
    }
    CHECK_FALSE(view.requests_from(0).ready());
}

TEST_CASE("a cell that is made ready forgets the worker before") {
    testing::Channel channel = testing::make_channel();
    WorkerCell& cell = channel.to_worker.worker_cell(5);
    cell.start.store(1);
    cell.stop.store(2);
    cell.shut_down.store(1);
    cell.spin_permit.store(1);
    cell.host_waits.store(kHostParked);
    channel.to_worker.prepare_cell(5, 77);
    CHECK(cell.incarnation.load() == 77);
    CHECK(cell.start.load() == kNoPosition);
    CHECK(cell.stop.load() == kNoPosition);
    CHECK(cell.shut_down.load() == 0);
    CHECK(cell.spin_permit.load() == 0);
    CHECK(cell.host_waits.load() == kHostLooks);
}

bool is_refused(const Descriptor& segment) {
    std::error_code error;
    HostOutboxView::map(segment, error);
    return error == std::errc::invalid_argument;
}

TEST_CASE("a segment that is no host outbox of this layout is refused") {
    std::error_code error;
    const Descriptor segment = create_segment("bulkhead-test", 16 * kPage, error);
    const Mapping mapping = Mapping::map(segment, 16 * kPage, Access::read_write, error);
    REQUIRE_FALSE(error);
    auto* header = mapping.at<HostOutboxHeader>(0);
    header->magic = kHostOutboxMagic;
    header->layout_version = kLayoutVersion;
    header->geometry.host_outbox_size = 16 * kPage;
    CHECK_FALSE(is_refused(segment));

    header->magic = kWorkerOutboxMagic;
    CHECK(is_refused(segment));
    header->magic = kHostOutboxMagic;
    header->layout_version = kLayoutVersion + 1;
    CHECK(is_refused(segment));
    header->layout_version = kLayoutVersion;
    header->geometry.host_outbox_size = 17 * kPage;
    CHECK(is_refused(segment));
    CHECK(is_refused(create_segment("bulkhead-test", 64, error)));
}

TEST_CASE("an outbox works on after it was moved") {
    testing::Channel channel = testing::make_channel();
    HostOutbox moved = std::move(channel.to_worker);
    moved.requests().publish({});
    std::error_code error;
    CHECK(HostOutboxView::map(moved.descriptor(), error).requests_from(0).ready());
    CHECK(moved.allocate(100) == 0);
    moved.free(0);
}

TEST_CASE("everything the host writes has memory before it writes and the rest takes none") {
    testing::Channel channel = testing::make_channel();
    const std::uint64_t head = channel.geometry.request_slab_offset;
    CHECK(pages_with_memory(&channel.to_worker.worker_cell(0), head - 256) == head / kPage);
    CHECK(pages_with_memory(channel.to_worker.block(0), channel.geometry.request_slab_size) == 0);
}

// How many pages of [from, from + size) can be read without a fault.
std::uint64_t mapped_pages(const void* from, std::uint64_t size) {
    constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
    const Descriptor pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    REQUIRE(pagemap);
    std::vector<std::uint64_t> pages(pages_of(reinterpret_cast<std::uintptr_t>(from), size));
    const auto place = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(from) / kPage * sizeof pages.front());
    const auto length = static_cast<ssize_t>(pages.size() * sizeof pages.front());
    REQUIRE(::pread(pagemap.get(), pages.data(), static_cast<std::size_t>(length), place) == length);
    return static_cast<std::uint64_t>(
        std::count_if(pages.begin(), pages.end(), [](std::uint64_t page) { return (page & kPresent) != 0; }));
}

TEST_CASE("a worker that is warm reads its first request and the state without a fault") {
    ChannelLimits limits = testing::small_limits();
    limits.state = 200'000;
    testing::Channel channel = testing::make_channel(limits);
    REQUIRE(channel.to_worker.spare_state(limits.state));
    channel.to_worker.commit_state(1, limits.state);
    const HostOutboxView view = testing::map_worker_ends(channel).from_host;
    const auto* const begin = reinterpret_cast<const std::byte*>(&view.worker_cell(0));
    const std::uint64_t size = channel.geometry.request_slab_offset - 256;
    CHECK(mapped_pages(view.state()->data(), limits.state) < pages_of(0, limits.state));
    CHECK(view.warm_up() == limits.state);
    CHECK(mapped_pages(begin, size) == pages_of(256, size));
    for (int commit = 0; commit < 2; ++commit) {  // one area, and the other
        CHECK(mapped_pages(view.state()->data(), limits.state) == pages_of(0, limits.state));
        REQUIRE(channel.to_worker.spare_state(limits.state));
        channel.to_worker.commit_state(1, limits.state);
    }
}

TEST_CASE("each slab block has memory after random allocations and only what was needed was touched") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Random random(seed);
    testing::Channel channel = testing::make_channel();
    HostOutbox& outbox = channel.to_worker;
    std::set<std::uint64_t> blocks;
    std::uint64_t highest = 0;
    for (int step = 0; step < 3000; ++step) {
        if (random.chance(50)) {
            const std::uint64_t size = random.chance(80) ? random.below(600) : random.below(20'000);
            if (const auto offset = outbox.allocate(size)) {
                blocks.insert(*offset);
                highest = std::max(highest, *offset + size);
                REQUIRE((size == 0 || pages_with_memory(outbox.block(*offset), size) == pages_of(*offset, size)));
            }
        } else if (!blocks.empty()) {
            outbox.free(*blocks.begin());
            blocks.erase(blocks.begin());
        }
    }
    CHECK(pages_with_memory(outbox.block(0), channel.geometry.request_slab_size) == pages_of(0, highest));
}

}  // namespace
}  // namespace bulkhead::transport
