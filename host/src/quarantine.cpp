#include "quarantine.hpp"

#include <algorithm>

namespace bulkhead::detail {

using transport::SteadyTime;

std::uint32_t Quarantine::charge(const RequestKey& key, SteadyTime now) {
    forget_expired(now);
    auto found = records_.find(key);
    if (found == records_.end()) {
        make_room();
        found = records_.emplace(key, Record{}).first;
    }
    Record& record = found->second;
    const bool was_barred = barred(record);
    ++record.deaths;
    record.order = ++charges_;
    record.until = last_until_ = now + settings_.duration;
    if (barred(record) && !was_barred) {
        ++quarantined_;
    }
    return record.deaths;
}

void Quarantine::clear() noexcept {
    records_.clear();
    quarantined_ = 0;
}

bool Quarantine::look_up(const RequestKey& key, SteadyTime now) {
    if (now >= last_until_) {  // all are over: calls need not make keys any more
        clear();
        return false;
    }
    const auto found = records_.find(key);
    return found != records_.end() && barred(found->second) && now < found->second.until;
}

Quarantine::Records::iterator Quarantine::forget(Records::iterator record) {
    if (barred(record->second)) {
        --quarantined_;
    }
    return records_.erase(record);
}

void Quarantine::forget_expired(SteadyTime now) {
    for (auto record = records_.begin(); record != records_.end();) {
        record = now >= record->second.until ? forget(record) : std::next(record);
    }
}

void Quarantine::make_room() {
    if (records_.size() < kMost) {
        return;
    }
    forget(std::min_element(records_.begin(), records_.end(),
                            [](const auto& a, const auto& b) { return a.second.order < b.second.order; }));
}

}  // namespace bulkhead::detail
