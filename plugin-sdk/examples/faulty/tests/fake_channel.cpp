#include "fake_channel.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace faulty {

using namespace bulkhead::transport;

namespace {

Geometry small_geometry() {
    Geometry geometry{};
    geometry.call_slots = 4;
    geometry.request_slots = 8;
    geometry.reply_slots = 128;
    geometry.log_slots = 16;
    geometry.payload_limit = 4096;
    geometry.request_slab_size = 4 * kPage;
    geometry.reply_slab_size = 4 * kPage;
    geometry.cells_offset = sizeof(HostOutboxHeader);
    geometry.request_ring_offset = 4096;
    geometry.request_slab_offset = 8192;
    geometry.host_outbox_size = geometry.request_slab_offset + geometry.request_slab_size;
    geometry.methods_offset = sizeof(WorkerOutboxHeader);
    geometry.black_box_offset = 5 * kPage;
    geometry.log_ring_offset = geometry.black_box_offset + kBlackBoxSize;
    geometry.reply_ring_offset = geometry.log_ring_offset + geometry.log_slots * sizeof(LogSlot);
    geometry.reply_slab_offset = geometry.reply_ring_offset + geometry.reply_slots * sizeof(Slot);
    geometry.worker_outbox_size = geometry.reply_slab_offset + geometry.reply_slab_size;
    return geometry;
}

int create(const char* name, std::uint64_t size) {
    const int file = ::memfd_create(name, MFD_CLOEXEC);
    if (file < 0 || ::ftruncate(file, static_cast<off_t>(size)) != 0) {
        throw std::system_error(errno, std::generic_category(), name);
    }
    return file;
}

void* map(int file, std::uint64_t size, int protection) {
    void* address = ::mmap(nullptr, size, protection, MAP_SHARED, file, 0);
    if (address == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "mmap");
    }
    return address;
}

}  // namespace

FakeChannel::FakeChannel() {
    const Geometry geometry = small_geometry();
    host_file_ = create("bulkhead-host-outbox", geometry.host_outbox_size);
    worker_file_ = create("bulkhead-worker-outbox", geometry.worker_outbox_size);
    void* host = map(host_file_, geometry.host_outbox_size, PROT_READ | PROT_WRITE);
    host_ = new (host) HostOutboxHeader{};
    host_->magic = kHostOutboxMagic;
    host_->geometry = geometry;
    auto* requests = reinterpret_cast<Slot*>(static_cast<std::byte*>(host) + geometry.request_ring_offset);
    requests[0].call_id = kCallId;
    requests[0].method = 9;
    requests[0].sequence = 1;

    void* worker = map(worker_file_, geometry.worker_outbox_size, PROT_READ | PROT_WRITE);
    worker_ = new (worker) WorkerOutboxHeader{};
    worker_->magic = kWorkerOutboxMagic;
    worker_->incarnation = kIncarnation;
    worker_->begun = 1;
    auto* replies = reinterpret_cast<Slot*>(static_cast<std::byte*>(worker) + geometry.reply_ring_offset);
    for (std::uint64_t position = 0; position < kReplied; ++position) {
        replies[position].sequence = position + 1;
    }
}

FakeChannel::~FakeChannel() {
    const Geometry geometry = host_->geometry;
    ::munmap(host_, geometry.host_outbox_size);
    ::munmap(worker_, geometry.worker_outbox_size);
    ::close(host_file_);
    ::close(worker_file_);
}

void FakeChannel::enter() const { ::mprotect(host_, host_->geometry.host_outbox_size, PROT_READ); }

const Slot& FakeChannel::reply(std::uint64_t position) const {
    return reinterpret_cast<const Slot*>(worker_outbox() + geometry().reply_ring_offset)[position];
}

bool FakeChannel::wait_for_bell() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (worker_->bell.load() == 0 && std::chrono::steady_clock::now() < deadline) {
        ::sched_yield();
    }
    return worker_->bell.load() != 0;
}

}  // namespace faulty
