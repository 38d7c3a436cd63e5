#include "support/guarded_outbox.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <set>
#include <stdexcept>
#include <system_error>

namespace bulkhead::testing {
namespace {

constexpr std::size_t kGuard = std::size_t{1} << 20;

void require(const std::error_code& error, const char* step) {
    if (error) {
        throw std::system_error(error, step);
    }
}

std::byte* reserve(std::size_t size) {
    void* address = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "mmap");
    }
    return static_cast<std::byte*>(address);
}

}  // namespace

transport::ChannelLimits tiny_limits() {
    transport::ChannelLimits limits;
    limits.payload = 1000;
    limits.in_flight = 4;
    limits.in_flight_bytes = 4096;
    limits.log_lines = 8;
    return limits;
}

GuardedOutbox::GuardedOutbox(const transport::ChannelLimits& limits, std::uint32_t incarnation)
    : geometry_(transport::plan_geometry(limits).value()), incarnation_(incarnation) {
    std::error_code error;
    segment_ = transport::create_worker_outbox(geometry_, "", error);
    require(error, "the worker outbox");
    worker_ = transport::WorkerOutbox::map(segment_, geometry_, incarnation, error);
    require(error, "the worker's mapping");
    map_between_guards();
}

GuardedOutbox::~GuardedOutbox() {
    for (const std::span<std::byte> guard : guards_) {
        ::munmap(guard.data(), guard.size());
    }
}

// The kernel chooses where a mapping goes: the highest gap that is large enough. So gaps between guards are made, and
// what fell into another one is kept there until the view falls into one of them.
void GuardedOutbox::map_between_guards() {
    constexpr int kAttempts = 1000;
    const std::size_t size = geometry_.worker_outbox_size;
    std::vector<transport::WorkerOutboxView> elsewhere;
    std::set<const void*> gaps;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        std::byte* before = reserve(size + 2 * kGuard);
        std::byte* gap = before + kGuard;
        ::munmap(gap, size);
        guards_.emplace_back(before, kGuard);
        guards_.emplace_back(gap + size, kGuard);
        gaps.insert(gap);
        std::error_code error;
        auto view = transport::WorkerOutboxView::map(segment_, geometry_, error);
        require(error, "the host's mapping");
        if (gaps.contains(&view.header())) {
            view_ = std::move(view);
            return;
        }
        elsewhere.push_back(std::move(view));
    }
    throw std::runtime_error("no mapping fell between its guards");
}

std::span<std::byte> GuardedOutbox::bytes() const noexcept {
    return {reinterpret_cast<std::byte*>(&worker_.header()), geometry_.worker_outbox_size};
}

transport::Slot& GuardedOutbox::reply_slot(std::uint64_t position) const noexcept {
    return reinterpret_cast<transport::Slot*>(bytes().data() +
                                              geometry_.reply_ring_offset)[position % geometry_.reply_slots];
}

transport::LogSlot& GuardedOutbox::log_slot(std::uint64_t position) const noexcept {
    return reinterpret_cast<transport::LogSlot*>(bytes().data() +
                                                 geometry_.log_ring_offset)[position % geometry_.log_slots];
}

}  // namespace bulkhead::testing
