#include "log_relay.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace bulkhead::detail {
namespace {

constexpr std::size_t kMaxLine = 4096;  // longer ones are cut into several
constexpr std::size_t kMaxQueued = 1024;
constexpr std::size_t kLastLines = 20;

}  // namespace

struct LogRelay::Queue {
    explicit Queue(LogHook chosen) : hook(std::move(chosen)) {}

    void deliver() {
        for (;;) {
            LogLine line;
            {
                const std::lock_guard lock(mutex);
                if (lines.empty()) {
                    scheduled = false;
                    return;
                }
                line = std::move(lines.front());
                lines.pop_front();
            }
            hook(line);
        }
    }

    const LogHook hook;
    std::mutex mutex;
    std::deque<LogLine> lines;
    std::uint64_t dropped_since = 0;
    std::uint64_t dropped_total = 0;
    bool scheduled = false;
};

LogRelay::LogRelay(std::string plugin, LogHook hook, boost::asio::any_io_executor executor)
    : plugin_(std::move(plugin)), executor_(std::move(executor)), queue_(std::make_shared<Queue>(std::move(hook))) {}

void LogRelay::output(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::size_t room = kMaxLine - partial_.size();
        const std::size_t take = std::min({end == std::string_view::npos ? bytes.size() : end, room});
        partial_.append(bytes.substr(0, take));
        bytes.remove_prefix(take);
        if (!bytes.empty() && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            emit_partial();
        } else if (partial_.size() == kMaxLine) {
            emit_partial();
        }
    }
}

void LogRelay::end_of_output() {
    if (!partial_.empty()) {
        emit_partial();
    }
}

void LogRelay::emit_partial() {
    const std::string text = std::exchange(partial_, {});
    line(LogSource::output, LogLevel::info, text);
}

void LogRelay::line(LogSource source, LogLevel level, std::string_view text) {
    last_.emplace_back(text);
    if (last_.size() > kLastLines) {
        last_.pop_front();
    }
    if (!queue_->hook) {
        return;
    }
    const std::lock_guard lock(queue_->mutex);
    if (queue_->lines.size() >= kMaxQueued) {
        ++queue_->dropped_since;
        ++queue_->dropped_total;
        return;
    }
    queue_->lines.push_back(LogLine{plugin_, source, level, std::string(text), std::exchange(queue_->dropped_since, 0)});
    if (!std::exchange(queue_->scheduled, true)) {
        boost::asio::post(executor_, [queue = queue_] { queue->deliver(); });
    }
}

void LogRelay::lost(std::uint64_t count) {
    const std::lock_guard lock(queue_->mutex);
    queue_->dropped_since += count;
    queue_->dropped_total += count;
}

std::uint64_t LogRelay::dropped() const {
    const std::lock_guard lock(queue_->mutex);
    return queue_->dropped_total;
}

}  // namespace bulkhead::detail
