// How workers died.
#pragma once

#include <algorithm>
#include <bulkhead/host/report.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <string_view>
#include <vector>

namespace bulkhead::demo {

// Collects the reports that a host hands to its on_death hook. Shared by the hook and the demo; any thread.
class DeathBook {
  public:
    void add(const Report& report) {
        {
            const std::lock_guard lock(mutex_);
            reports_.push_back(report);
        }
        grew_.notify_all();
    }

    // The reports about one plugin in the order of its workers' deaths, as soon as there are so many; or as many as
    // there are in the end, because the hook runs after the callers were answered.
    std::vector<Report> of_plugin(std::string_view plugin, std::size_t expected) const {
        constexpr std::chrono::seconds kPatience{5};
        const auto is_meant = [plugin](const Report& report) { return report.plugin == plugin; };
        std::unique_lock lock(mutex_);
        grew_.wait_for(lock, kPatience, [&] {
            return std::count_if(reports_.begin(), reports_.end(), is_meant) >= static_cast<std::ptrdiff_t>(expected);
        });
        std::vector<Report> found;
        std::copy_if(reports_.begin(), reports_.end(), std::back_inserter(found), is_meant);
        return found;
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable grew_;
    std::vector<Report> reports_;
};

}  // namespace bulkhead::demo
