// Asynchronous calls without a pause.
#pragma once

#include <bulkhead/host/plugin.hpp>
#include <chrono>
#include <cstdint>
#include <future>
#include <string>

#include "stopwatch.hpp"

namespace bulkhead::bench {

// Keeps a number of echoes outstanding: each handler runs inline, where the reply was read, and makes the next call.
// All of it happens on the thread that reads replies, the first call aside; run() waits for the end on another.
class Pump {
  public:
    // `core`: where the reading thread is tied to, from its first handler on.
    Pump(const Plugin& plugin, std::size_t payload, int core);

    // From the first reply to the last one. Throws std::runtime_error when a call fails.
    std::chrono::nanoseconds run(std::uint64_t calls, std::uint64_t window);

  private:
    void call();
    void on_reply(const result<Bytes>& outcome);

    const Method echo_;
    const std::string request_;
    const int core_;
    std::uint64_t window_ = 0;
    std::uint64_t left_ = 0;         // to be called
    std::uint64_t outstanding_ = 0;  // called
    bool begun_ = false;
    std::string failure_;
    Clock::time_point begin_;
    std::promise<Clock::time_point> end_;
};

}  // namespace bulkhead::bench
