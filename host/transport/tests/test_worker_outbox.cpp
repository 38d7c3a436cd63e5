#include "bulkhead/transport/worker_outbox.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "support/channel.hpp"

namespace bulkhead::transport {
namespace {

TEST_CASE("a worker outbox says whose it is and has nothing to read yet") {
    const testing::Channel channel = testing::make_channel();
    const testing::WorkerEnds ends = testing::map_worker_ends(channel, 9);
    const WorkerOutboxHeader& header = channel.from_worker.header();
    CHECK(header.magic == kWorkerOutboxMagic);
    CHECK(header.layout_version == kLayoutVersion);
    CHECK(header.incarnation == 9);
    CHECK(header.pid == ::getpid());
    CHECK(header.life.load() == static_cast<std::uint32_t>(Life::blank));
    CHECK(header.begun.load() == 0);
    CHECK_FALSE(channel.from_worker.replies().ready());
}

TEST_CASE("a failure is cut where its place ends") {
    const testing::Channel channel = testing::make_channel();
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    const WorkerOutboxHeader& header = channel.from_worker.header();
    ends.to_host.write_failure("no library");
    CHECK(std::string(header.failure, header.failure_length) == "no library");
    ends.to_host.methods()[0].flags = 7;
    ends.to_host.write_failure(std::string(5000, 'f'));
    CHECK(std::string(header.failure, header.failure_length) == std::string(kFailureCapacity, 'f'));
    CHECK(channel.from_worker.methods()[0].flags == 7);
    ends.to_host.write_failure("");
    CHECK(header.failure_length == 0);
}

TEST_CASE("only what lies in the slab from end to end may be read") {
    const testing::Channel channel = testing::make_channel();
    const WorkerOutboxView& view = channel.from_worker;
    const std::uint64_t size = channel.geometry.reply_slab_size;
    CHECK(view.lies_in_slab(0, 0));
    CHECK(view.lies_in_slab(0, size));
    CHECK(view.lies_in_slab(size, 0));
    CHECK(view.lies_in_slab(size - 1, 1));
    CHECK_FALSE(view.lies_in_slab(size, 1));
    CHECK_FALSE(view.lies_in_slab(0, size + 1));
    CHECK_FALSE(view.lies_in_slab(1, size));
    CHECK_FALSE(view.lies_in_slab(~std::uint64_t{0}, 1));
    CHECK_FALSE(view.lies_in_slab(~std::uint64_t{0}, 0));
    CHECK_FALSE(view.lies_in_slab(1, ~std::uint64_t{0}));
    CHECK_FALSE(view.lies_in_slab(size - 1, ~std::uint64_t{0}));
}

}  // namespace
}  // namespace bulkhead::transport
