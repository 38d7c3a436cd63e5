// Traffic.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

#include "tally.hpp"

namespace bulkhead::demo {

// Threads that make the same call again and again, each with its own tally, from construction to stop(). Owned by one
// thread.
class Callers {
  public:
    // `call` makes one call and tallies it. It runs on several threads at once.
    using Call = std::function<void(Tally&)>;
    Callers(std::size_t threads, Call call) : call_(std::move(call)), tallies_(threads) {
        for (Tally& tally : tallies_) {
            threads_.emplace_back([this, &tally](const std::stop_token& stop) {
                while (!stop.stop_requested()) {
                    call_(tally);
                }
            });
        }
    }
    Callers(const Callers&) = delete;
    Callers& operator=(const Callers&) = delete;
    ~Callers() = default;

    // Lets each thread end its call. What became of all calls.
    Tally stop() {
        for (std::jthread& thread : threads_) {
            thread.request_stop();
        }
        threads_.clear();
        Tally sum;
        for (const Tally& tally : tallies_) {
            sum.add(tally);
        }
        return sum;
    }

  private:
    Call call_;
    std::vector<Tally> tallies_;
    std::vector<std::jthread> threads_;  // last: they use what is above
};

}  // namespace bulkhead::demo
