#include "log_relay.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

#include "bulkhead/host/printable.hpp"

namespace bulkhead::detail {
namespace {

constexpr std::size_t kMaxLine = 4096;  // longer ones are cut into several
constexpr std::size_t kMaxQueued = 1024;
constexpr std::size_t kLastLines = 20;
constexpr int kLinesAtATime = 64;

}  // namespace

struct LogRelay::Queue {
    explicit Queue(LogHook chosen) : hook(std::move(chosen)) {}

    // Some lines; true when there are more. The executor may be the server's own event loop.
    bool deliver() {
        for (int count = 0; count < kLinesAtATime; ++count) {
            LogLine line;
            {
                const std::lock_guard lock(mutex);
                if (lines.empty()) {
                    scheduled = false;
                    return false;
                }
                line = std::move(lines.front());
                lines.pop_front();
            }
            try {
                hook(line);
            } catch (...) {  // the server's log is broken; its plugins are not
            }
        }
        return true;
    }

    static void deliver_all(std::shared_ptr<Queue> queue, const boost::asio::any_io_executor& executor) {
        boost::asio::post(executor, [queue = std::move(queue), executor] {
            if (queue->deliver()) {
                deliver_all(queue, executor);
            }
        });
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

void LogRelay::line(LogSource source, LogLevel level, std::string_view text) {
    if (!queue_->hook) {
        return;
    }
    const std::lock_guard lock(queue_->mutex);
    if (queue_->lines.size() >= kMaxQueued) {
        ++queue_->dropped_since;
        ++queue_->dropped_total;
        return;
    }
    queue_->lines.push_back(
        LogLine{plugin_, source, level, std::string(text), std::exchange(queue_->dropped_since, 0)});
    if (!std::exchange(queue_->scheduled, true)) {
        Queue::deliver_all(queue_, executor_);
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

void LastWords::output(std::string_view bytes, LogRelay& relay) {
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::size_t take = std::min(end, kMaxLine - partial_.size());
        partial_.append(bytes.substr(0, take));
        bytes.remove_prefix(take);
        if (!bytes.empty() && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            if (!partial_.empty() || !cut_) {
                emit(relay);
            }
            cut_ = false;
        } else if (partial_.size() == kMaxLine) {
            emit(relay);
            cut_ = true;
        }
    }
}

void LastWords::end_of_output(LogRelay& relay) {
    if (!partial_.empty()) {
        emit(relay);
    }
}

void LastWords::logged(LogLevel level, std::string_view text, LogRelay& relay) {
    keep(text);
    relay.line(LogSource::plugin, level, text);
}

void LastWords::emit(LogRelay& relay) {
    const std::string line = printable(partial_, ' ', "\t");
    keep(line);
    relay.line(LogSource::output, LogLevel::info, line);
    partial_.clear();
}

void LastWords::keep(std::string_view text) {
    last_.emplace_back(text);
    if (last_.size() > kLastLines) {
        last_.pop_front();
    }
}

}  // namespace bulkhead::detail
