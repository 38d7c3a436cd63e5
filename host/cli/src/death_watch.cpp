#include "death_watch.hpp"

#include <algorithm>

namespace bulkhead::cli {

void DeathWatch::operator()(const Report& report) const {
    const std::lock_guard lock(state_->mutex);
    state_->reports.push_back(std::make_shared<const Report>(report));
    state_->came.notify_all();
}

std::shared_ptr<const Report> DeathWatch::await(const std::string& id) const {
    constexpr std::chrono::seconds kPatience{20};  // a host tells each death; large libraries take their time
    std::shared_ptr<const Report> found;
    std::unique_lock lock(state_->mutex);
    state_->came.wait_for(lock, kPatience, [&] {
        const auto one = std::find_if(state_->reports.begin(), state_->reports.end(),
                                      [&id](const auto& report) { return report->id == id; });
        found = one == state_->reports.end() ? nullptr : *one;
        return found != nullptr;
    });
    return found;
}

std::shared_ptr<const Report> DeathWatch::await_any(std::chrono::nanoseconds patience) const {
    std::unique_lock lock(state_->mutex);
    const bool any = state_->came.wait_for(lock, patience, [&] { return !state_->reports.empty(); });
    return any ? state_->reports.front() : nullptr;
}

}  // namespace bulkhead::cli
