#include "worker_channel.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <sstream>
#include <string>

#include "bulkhead/plugin/error.hpp"

namespace faulty {

using bulkhead::plugin::Error;
using bulkhead::transport::HostOutboxHeader;
using bulkhead::transport::Slot;
using bulkhead::transport::WorkerOutboxHeader;

namespace {

// The start of the first mapping of the shared memory called `name`, or 0.
std::uintptr_t find_mapping(const std::string& name, const std::string& permissions) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::string range, rights, offset, device, inode, path;
        words >> range >> rights >> offset >> device >> inode >> path;
        if (path == "/memfd:" + name && rights == permissions) {
            return std::stoull(range, nullptr, 16);
        }
    }
    return 0;
}

}  // namespace

WorkerChannel WorkerChannel::find() {
    // Host and worker name their memory so that a person who looks at /proc knows it.
    const auto* host = reinterpret_cast<const HostOutboxHeader*>(find_mapping("bulkhead-host-outbox", "r--s"));
    auto* worker = reinterpret_cast<WorkerOutboxHeader*>(find_mapping("bulkhead-worker-outbox", "rw-s"));
    if (host == nullptr || worker == nullptr || host->magic != bulkhead::transport::kHostOutboxMagic ||
        worker->magic != bulkhead::transport::kWorkerOutboxMagic) {
        throw Error(3, "this process has no channel to lie to");
    }
    return {host, worker};
}

const Slot& WorkerChannel::current_request() const {
    const std::uint64_t begun = worker_->begun.load(std::memory_order_relaxed);
    if (begun == 0) {
        throw Error(3, "no call has begun");
    }
    const auto* outbox = reinterpret_cast<const std::byte*>(host_);
    const auto* ring = reinterpret_cast<const Slot*>(outbox + geometry().request_ring_offset);
    return ring[(begun - 1) % geometry().request_slots];
}

std::uint64_t WorkerChannel::next_reply_position() const {
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < geometry().reply_slots; ++i) {
        next = std::max(next, reply_slot(i).sequence.load(std::memory_order_relaxed));
    }
    return next;
}

Slot& WorkerChannel::reply_slot(std::uint64_t position) const {
    auto* ring = reinterpret_cast<Slot*>(outbox() + geometry().reply_ring_offset);
    return ring[position % geometry().reply_slots];
}

void WorkerChannel::ring() const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    worker_->bell.fetch_add(1);
    ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&worker_->bell), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace faulty
