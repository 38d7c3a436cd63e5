#include "worker_statements.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "black_box_reader.hpp"
#include "bulkhead/host/printable.hpp"

namespace bulkhead::detail {
namespace {

// A worker can claim any number of lost lines; more than this is not believed.
constexpr std::uint64_t kMostLostAtOnce = 1'000'000'000;
constexpr std::uint32_t kIdempotentFlag = 1;  // BULKHEAD_METHOD_IDEMPOTENT of the plugin ABI

}  // namespace

std::string plain_text(std::string_view text) { return printable(text.substr(0, text.find('\0')), ' '); }

std::string read_failure(const transport::WorkerOutboxView& view) {
    std::array<char, transport::kFailureCapacity> text;
    const std::size_t length = std::min<std::size_t>(transport::read_once(view.header().failure_length), text.size());
    transport::copy_once(text.data(), view.header().failure, length);
    return plain_text({text.data(), length});
}

std::uint64_t read_running(const transport::WorkerOutboxView& view) {
    return has_record(view.black_box()) ? transport::read_once(view.black_box().record.call_id)
                                        : view.header().current_call_id.load(std::memory_order_relaxed);
}

std::string_view read_function(const transport::WorkerOutboxView& view) {
    switch (read_running(view)) {
        case transport::kInSave:
            return "in its save function";
        case transport::kInDeactivate:
            return "in its deactivate function";
        case transport::kInDestroy:
            return "in its destroy function";
        default:
            return {};
    }
}

std::vector<MethodDescription> read_methods(const transport::WorkerOutboxView& view,
                                            const std::map<std::string, bool>& idempotent, std::string& wrong) {
    const std::uint32_t count = transport::read_once(view.header().method_count);
    if (count > transport::kMaxMethods) {
        wrong = "it described more than " + std::to_string(transport::kMaxMethods) + " methods";
        return {};
    }
    std::vector<MethodDescription> methods;
    for (std::uint32_t index = 0; index < count; ++index) {
        transport::MethodRecord record;
        transport::copy_once(&record, view.methods() + index, sizeof record);
        MethodDescription method{plain_text({record.name, sizeof record.name}), (record.flags & kIdempotentFlag) != 0};
        const auto same = [&method](const MethodDescription& other) { return other.name == method.name; };
        if (method.name.empty() || std::any_of(methods.begin(), methods.end(), same)) {
            wrong = "it described a method without a name, or one twice";
        }
        if (const auto chosen = idempotent.find(method.name); chosen != idempotent.end()) {
            method.idempotent = chosen->second;
        }
        methods.push_back(std::move(method));
    }
    for (const auto& entry : idempotent) {
        const auto same = [&entry](const MethodDescription& method) { return method.name == entry.first; };
        if (std::none_of(methods.begin(), methods.end(), same)) {
            wrong = "it has no method '" + entry.first + "', which its manifest names";
        }
    }
    return methods;
}

void LogRingReader::read(const transport::WorkerOutboxView& view, std::uint64_t slots, const OnLost& on_lost,
                         const OnLine& on_line) {
    const std::uint64_t head = view.header().log_head.load(std::memory_order_acquire);
    if (head < position_) {
        return;  // a lie; there is nothing to gain by reading it
    }
    if (head - position_ > slots) {
        on_lost(std::min(head - slots - position_, kMostLostAtOnce));
        position_ = head - slots;
    }
    for (; position_ < head; ++position_) {
        const transport::LogSlot& slot = view.log_slot(position_);
        std::array<char, transport::kLogLineCapacity> text;
        const std::uint64_t before = slot.sequence.load(std::memory_order_acquire);
        const std::uint32_t level = transport::read_once(slot.level);
        const std::size_t length = std::min<std::size_t>(transport::read_once(slot.length), text.size());
        transport::copy_once(text.data(), slot.text, length);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (before != position_ + 1 || slot.sequence.load(std::memory_order_relaxed) != before) {
            on_lost(1);  // overwritten while we read it
            continue;
        }
        on_line(static_cast<LogLevel>(std::min<std::uint32_t>(level, 3)), plain_text({text.data(), length}));
    }
}

}  // namespace bulkhead::detail
