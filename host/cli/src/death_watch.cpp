#include "death_watch.hpp"

#include <algorithm>
#include <iterator>

namespace bulkhead::cli {

void DeathWatch::operator()(const Report& report) const {
    const std::lock_guard lock(state_->mutex);
    state_->reports.push_back(std::make_shared<const Report>(report));
    state_->came.notify_all();
}

std::shared_ptr<const Report> DeathWatch::await(const std::string& id) const {
    constexpr std::chrono::seconds kPatience{20};  // a host tells each death; large libraries take their time
    return await_first([&id](const Report& report) { return report.id == id; }, kPatience);
}

std::shared_ptr<const Report> DeathWatch::await_any(std::chrono::nanoseconds patience) const {
    return await_first([](const Report&) { return true; }, patience);
}

std::shared_ptr<const Report> DeathWatch::await_hang(std::chrono::nanoseconds patience) const {
    return await_first([](const Report& report) { return report.cause == Cause::hang; }, patience);
}

std::vector<std::shared_ptr<const Report>> DeathWatch::all_but(const std::string& id) const {
    const std::lock_guard lock(state_->mutex);
    std::vector<std::shared_ptr<const Report>> others;
    std::copy_if(state_->reports.begin(), state_->reports.end(), std::back_inserter(others),
                 [&id](const auto& report) { return report->id != id; });
    return others;
}

std::shared_ptr<const Report> DeathWatch::await_first(const Wanted& is_wanted,
                                                      std::chrono::nanoseconds patience) const {
    std::shared_ptr<const Report> found;
    std::unique_lock lock(state_->mutex);
    state_->came.wait_for(lock, patience, [&] {
        const auto one = std::find_if(state_->reports.begin(), state_->reports.end(),
                                      [&is_wanted](const auto& report) { return is_wanted(*report); });
        found = one == state_->reports.end() ? nullptr : *one;
        return found != nullptr;
    });
    return found;
}

}  // namespace bulkhead::cli
