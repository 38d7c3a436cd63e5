#include "bulkhead/transport/worker_outbox.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace bulkhead::transport {

Descriptor create_worker_outbox(const Geometry& geometry, std::string_view order, std::error_code& error) {
    return create_segment("bulkhead-worker-outbox", geometry.worker_outbox_size, error, order);
}

std::string take_order(const Descriptor& segment, const Geometry& geometry, std::error_code& error) {
    return take_tail(segment, geometry.worker_outbox_size, error);
}

WorkerOutbox WorkerOutbox::map(const Descriptor& segment, const Geometry& geometry, std::uint32_t incarnation,
                               std::error_code& error) {
    WorkerOutbox outbox;
    outbox.mapping_ = Mapping::map(segment, geometry.worker_outbox_size, Access::read_write, error);
    if (error) {
        return {};
    }
    // A process that the plugin forks must not become a second writer.
    outbox.mapping_.keep_out_of_forks();
    outbox.geometry_ = geometry;
    outbox.replies_ = RingWriter(outbox.mapping_.at<Slot>(geometry.reply_ring_offset), geometry.reply_slots);
    WorkerOutboxHeader& header = outbox.header();
    header.layout_version = kLayoutVersion;
    header.incarnation = incarnation;
    header.pid = ::getpid();
    header.magic = kWorkerOutboxMagic;
    return outbox;
}

void WorkerOutbox::warm_up(std::size_t state_size) const noexcept {
    populate_for_writing(mapping_.data() + geometry_.reply_ring_offset, sizeof(Slot));
    if (state_size > 0) {
        for (const std::uint64_t sequence : {1, 2}) {  // the two areas
            populate_for_writing(mapping_.data() + checkpoint_area(geometry_, sequence),
                                 sizeof(CheckpointHeader) + state_size);
        }
    }
}

void WorkerOutbox::write_log_line(std::uint32_t level, std::string_view text) noexcept {
    WorkerOutboxHeader& head = header();
    const std::uint64_t position = head.log_head.load(std::memory_order_relaxed);
    LogSlot& slot = mapping_.at<LogSlot>(geometry_.log_ring_offset)[position & (geometry_.log_slots - 1)];
    slot.sequence.store(0, std::memory_order_relaxed);
    // The zero must be visible before the text changes, or a reader could take a mixed line for a whole one.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    slot.level = level;
    slot.length = static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), UINT32_MAX));
    std::memcpy(slot.text, text.data(), std::min(text.size(), kLogLineCapacity));
    slot.sequence.store(position + 1, std::memory_order_release);
    head.log_head.store(position + 1, std::memory_order_release);
}

void WorkerOutbox::write_failure(std::string_view sentence) noexcept {
    WorkerOutboxHeader& head = header();
    const std::size_t length = std::min(sentence.size(), kFailureCapacity);
    std::memcpy(head.failure, sentence.data(), length);
    head.failure_length = static_cast<std::uint32_t>(length);
}

WorkerOutboxView WorkerOutboxView::map(const Descriptor& segment, const Geometry& geometry, std::error_code& error) {
    WorkerOutboxView view;
    view.mapping_ = Mapping::map(segment, geometry.worker_outbox_size, Access::read_only, error);
    if (error) {
        return {};
    }
    view.geometry_ = geometry;
    view.mapping_.keep_out_of_forks();
    return view;
}

}  // namespace bulkhead::transport
