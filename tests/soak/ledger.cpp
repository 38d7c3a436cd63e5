#include "ledger.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace bulkhead::tests {
namespace {

bool may_happen(ErrorCode code) {
    switch (code) {
        case ErrorCode::crashed:
        case ErrorCode::timed_out:
        case ErrorCode::unavailable:
        case ErrorCode::session_lost:
        case ErrorCode::overloaded:
            return true;
        default:
            return false;
    }
}

}  // namespace

void Ledger::note(const result<Bytes>& outcome) {
    const std::lock_guard lock(mutex_);
    if (outcome) {
        ++answered_;
        return;
    }
    ++errors_.at(static_cast<std::size_t>(outcome.error().code));
    if (!may_happen(outcome.error().code)) {
        wrong_ += outcome.error().message + "\n";
    }
}

void Ledger::note_increment(const result<Bytes>& outcome) {
    note(outcome);
    const std::lock_guard lock(mutex_);
    if (!outcome) {
        certain_ += outcome.error().effect == Effect::committed ? 1 : 0;
        possible_ += outcome.error().effect == Effect::none ? 0 : 1;
        return;
    }
    ++certain_;
    ++possible_;
    const std::size_t count = std::stoull(std::string(outcome->text()));
    given_.resize(std::max(given_.size(), count + 1));
    if (given_[count]) {
        wrong_ += "count " + std::to_string(count) + " was given to two callers\n";
    }
    given_[count] = true;
}

void Ledger::note_wrong(std::string what) {
    const std::lock_guard lock(mutex_);
    wrong_ += std::move(what) + "\n";
}

std::uint64_t Ledger::answered() const {
    const std::lock_guard lock(mutex_);
    return answered_;
}

std::uint64_t Ledger::failed() const {
    const std::lock_guard lock(mutex_);
    return std::accumulate(errors_.begin(), errors_.end(), std::uint64_t{0});
}

std::string Ledger::wrong() const {
    const std::lock_guard lock(mutex_);
    return wrong_;
}

long long Ledger::certain() const {
    const std::lock_guard lock(mutex_);
    return certain_;
}

long long Ledger::possible() const {
    const std::lock_guard lock(mutex_);
    return possible_;
}

std::string Ledger::difference(const Stats& before, const Stats& now) const {
    const std::lock_guard lock(mutex_);
    std::string text;
    const auto compare = [&](std::string_view what, std::uint64_t callers, std::uint64_t host) {
        if (callers != host) {
            text +=
                std::string(what) + ": callers " + std::to_string(callers) + ", host " + std::to_string(host) + "\n";
        }
    };
    compare("answered", answered_, now.succeeded - before.succeeded);
    for (std::size_t code = 0; code < errors_.size(); ++code) {
        compare(to_string(static_cast<ErrorCode>(code)), errors_.at(code),
                now.errors.at(code) - before.errors.at(code));
    }
    return text;
}

}  // namespace bulkhead::tests
