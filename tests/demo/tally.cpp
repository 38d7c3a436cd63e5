#include "tally.hpp"

#include <numeric>

namespace bulkhead::demo {

void Tally::add(const result<Bytes>& outcome, bool right, std::chrono::nanoseconds latency) {
    ++calls_;
    if (!outcome) {
        ++errors_[static_cast<std::size_t>(outcome.error().code)];
        return;
    }
    ++replies_;
    wrong_replies_ += right ? 0 : 1;
    latency_.add(latency);
}

void Tally::add(const Tally& other) {
    calls_ += other.calls_;
    replies_ += other.replies_;
    wrong_replies_ += other.wrong_replies_;
    for (std::size_t code = 0; code < errors_.size(); ++code) {
        errors_[code] += other.errors_[code];
    }
    latency_.append(other.latency_);
}

std::uint64_t Tally::errors() const noexcept {
    return std::accumulate(errors_.begin(), errors_.end(), std::uint64_t{0});
}

bool Tally::agrees_with(const Stats& stats) const noexcept {
    return stats.calls == calls_ && stats.succeeded == replies_ && stats.errors == errors_ && stats.in_flight == 0 &&
           stats.ended() == stats.calls && replies_ + errors() == calls_;
}

}  // namespace bulkhead::demo
