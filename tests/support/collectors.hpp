// Keeps what a host told its server, for tests to look at and to wait for.
#pragma once

#include <bulkhead/host/log.hpp>
#include <bulkhead/host/report.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "support/until.hpp"

namespace bulkhead::tests {

// Collects values that come from another thread. Copies share what was collected. Any thread.
template <typename T>
class Collector {
  public:
    void add(const T& value) const {
        const std::lock_guard lock(state_->mutex);
        state_->values.push_back(value);
        state_->changed.notify_all();
    }

    std::vector<T> all() const {
        const std::lock_guard lock(state_->mutex);
        return state_->values;
    }

    // Waits until what was collected pleases `enough`. False: not in time.
    bool await(const std::function<bool(const std::vector<T>&)>& enough,
               std::chrono::nanoseconds patience = kPatience) const {
        std::unique_lock lock(state_->mutex);
        return state_->changed.wait_for(lock, patience, [&] { return enough(state_->values); });
    }
    bool await_count(std::size_t count) const {
        return await([count](const std::vector<T>& values) { return values.size() >= count; });
    }

  private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<T> values;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Fits HostOptions::log.
class LogCollector : public Collector<LogLine> {
  public:
    void operator()(const LogLine& line) const { add(line); }
    // Waits for a line of this text. False: not in time.
    bool await_line(std::string_view text) const;
    // All of this source, in order.
    std::vector<std::string> texts(LogSource source) const;
};

// Fits HostOptions::on_death.
class DeathCollector : public Collector<Report> {
  public:
    void operator()(const Report& report) const { add(report); }
};

}  // namespace bulkhead::tests
