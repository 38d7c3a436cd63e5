// The part of a method's trial that looks at what it does when nobody waits any more.
#include "method_trial.hpp"
#include "wording.hpp"

namespace bulkhead::cli {

// A method that takes long for some request is called with that request and a short deadline. Afterwards the worker
// takes the next call only when it is done with this one.
void MethodTrial::look_at_deadlines(const Plugin& plugin) {
    constexpr std::chrono::milliseconds kLong{100};
    const auto quick = declined_ ? declined_ : served_;
    if (!slowest_ || slowest_->took < kLong || !quick || quick->number == slowest_->number) {
        return;
    }
    const std::string slow_request = maker_.make(slowest_->number).bytes;
    const auto deadline = slowest_->took / 5;
    const auto outcome = call(plugin, slow_request, deadline);
    if (outcome || outcome.error().code != ErrorCode::timed_out) {
        return;  // it was quick this time
    }
    const auto begin = Examination::Clock::now();
    static_cast<void>(call(plugin, maker_.make(quick->number).bytes, examination_.patience()));
    const auto worked_on = Examination::Clock::now() - begin;
    if (worked_on > slowest_->took / 3) {
        examination_.add(Verdict::note, "deadlines",
                         "method " + method_ + ", case " + std::to_string(slowest_->number) + ": it worked on for " +
                             shown(worked_on) + " after its deadline; ask whether the call is cancelled now and then",
                         examination_.replay(method_, std::nullopt));
    }
}

}  // namespace bulkhead::cli
