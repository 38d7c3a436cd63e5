// The log lines that a test has seen.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bulkhead/plugin/testing/answer.hpp"

namespace bulkhead::plugin::testing {

// Any thread.
class LogRecord {
  public:
    void write(LogLine line) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
        written_.notify_all();
    }
    std::vector<LogLine> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    // The lines, which are forgotten.
    std::vector<LogLine> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(lines_, {});
    }
    // Waits until there is a line with this text in it; false: there was none in ten seconds.
    bool wait_for(std::string_view text) const {
        std::unique_lock lock(mutex_);
        return written_.wait_for(lock, std::chrono::seconds(10), [&] {
            return std::any_of(lines_.begin(), lines_.end(),
                               [&](const LogLine& line) { return line.text.find(text) != std::string::npos; });
        });
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable written_;
    std::vector<LogLine> lines_;
};

}  // namespace bulkhead::plugin::testing
