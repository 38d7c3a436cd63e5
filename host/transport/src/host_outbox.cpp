#include "bulkhead/transport/host_outbox.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <new>

#include "bulkhead/transport/read_once.hpp"

namespace bulkhead::transport {

HostOutbox HostOutbox::create(const Geometry& geometry, std::chrono::nanoseconds spin, std::error_code& error) {
    HostOutbox outbox;
    outbox.segment_ = create_segment("bulkhead-host-outbox", geometry.host_outbox_size, error);
    if (error) {
        return {};
    }
    outbox.mapping_ = Mapping::map(outbox.segment_, geometry.host_outbox_size, Access::read_write, error);
    if (error) {
        return {};
    }
    outbox.mapping_.keep_out_of_forks();
    if (!populate_for_writing(outbox.mapping_.data(), geometry.request_slab_offset)) {
        error = std::make_error_code(std::errc::not_enough_memory);
        return {};
    }
    seal_against_new_writers(outbox.segment_, error);
    if (error) {
        return {};
    }

    auto* header = new (outbox.mapping_.data()) HostOutboxHeader{};
    header->geometry = geometry;
    header->layout_version = kLayoutVersion;
    header->spin_nanoseconds = static_cast<std::uint32_t>(std::clamp<std::int64_t>(spin.count(), 0, UINT32_MAX));
    for (std::uint32_t index = 0; index < kWorkerCells; ++index) {
        outbox.prepare_cell(index, 0);
    }
    header->magic = kHostOutboxMagic;
    outbox.requests_ = RingWriter(outbox.mapping_.at<Slot>(geometry.request_ring_offset), geometry.request_slots);
    outbox.slab_ = Slab(geometry.request_slab_size, geometry.call_slots);
    return outbox;
}

void HostOutbox::begin_at(std::uint64_t position) noexcept {
    const Geometry& plan = geometry();
    requests_ = RingWriter(mapping_.at<Slot>(plan.request_ring_offset), plan.request_slots, position);
}

void HostOutbox::prepare_cell(std::uint32_t index, std::uint32_t incarnation) noexcept {
    WorkerCell& cell = worker_cell(index);
    cell.start.store(kNoPosition, std::memory_order_relaxed);
    cell.stop.store(kNoPosition, std::memory_order_relaxed);
    cell.shut_down.store(0, std::memory_order_relaxed);
    cell.spin_permit.store(0, std::memory_order_relaxed);
    cell.seen_ready.store(0, std::memory_order_relaxed);
    cell.host_waits.store(kHostLooks, std::memory_order_relaxed);
    cell.incarnation.store(incarnation, std::memory_order_release);
}

std::optional<std::uint64_t> HostOutbox::allocate(std::uint64_t size) {
    const auto offset = slab_.allocate(size);
    if (!offset || *offset + size <= populated_) {
        return offset;
    }
    // A block starts at 0 or where another one ended, so never beyond what has memory.
    if (!populate_for_writing(block(populated_), *offset + size - populated_)) {
        slab_.free(*offset);
        return std::nullopt;
    }
    populated_ = (*offset + size + kPage - 1) / kPage * kPage;
    return offset;
}

std::optional<std::span<std::byte>> HostOutbox::spare_state(std::uint64_t size) {
    const std::uint32_t area = spare_area();
    std::byte* const place = mapping_.data() + committed_state_area(geometry(), area);
    if (size > state_populated_[area]) {
        if (!populate_for_writing(place, size)) {
            return std::nullopt;
        }
        state_populated_[area] = size;
    }
    return std::span(place, size);
}

void HostOutbox::commit_state(std::uint32_t version, std::uint64_t length) noexcept {
    const std::uint32_t area = spare_area();
    header()->state_area = area;
    header()->state_version = version;
    header()->state_length = length;
    header()->has_state = 1;
}

std::optional<std::span<const std::byte>> HostOutbox::state() const noexcept {
    if (header()->has_state == 0) {
        return std::nullopt;
    }
    return std::span(mapping_.data() + committed_state_area(geometry(), header()->state_area), header()->state_length);
}

std::optional<std::span<const std::byte>> HostOutboxView::state() const noexcept {
    if (header()->has_state == 0) {
        return std::nullopt;
    }
    return std::span(mapping_.data() + committed_state_area(geometry_, header()->state_area), header()->state_length);
}

std::uint64_t HostOutboxView::warm_up() const noexcept {
    const auto touch = [](std::span<const std::byte> bytes) {
        for (std::size_t offset = 0; offset < bytes.size(); offset += kPage) {
            static_cast<void>(read_once(bytes[offset]));
        }
    };
    touch({mapping_.data(), geometry_.request_slab_offset});
    // The host may commit another one at any moment.
    const std::uint64_t size = std::min(read_once(header()->state_length), geometry_.state_limit);
    for (const std::uint32_t area : {0, 1}) {
        touch({mapping_.data() + committed_state_area(geometry_, area), size});
    }
    return size;
}

HostOutboxView HostOutboxView::map(const Descriptor& segment, std::error_code& error) {
    HostOutboxView view;
    // Read before it is mapped: it says how much there is to map.
    struct {
        std::uint64_t magic;
        std::uint32_t layout_version;
        std::uint32_t spin_nanoseconds;
        Geometry geometry;
    } start{};
    static_assert(offsetof(HostOutboxHeader, geometry) == offsetof(decltype(start), geometry));
    const ssize_t size = ::pread(segment.get(), &start, sizeof start, 0);
    if (size != sizeof start || start.magic != kHostOutboxMagic || start.layout_version != kLayoutVersion) {
        error = size < 0 ? std::error_code(errno, std::generic_category())
                         : std::make_error_code(std::errc::invalid_argument);
        return {};
    }
    view.geometry_ = start.geometry;
    view.mapping_ = Mapping::map(segment, view.geometry_.host_outbox_size, Access::read_only, error);
    return error ? HostOutboxView{} : std::move(view);
}

}  // namespace bulkhead::transport
