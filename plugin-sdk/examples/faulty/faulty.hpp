// The object behind the faulty methods: what has to be remembered from call to call, and the faults of its own life.
#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bulkhead/plugin/call.hpp"

namespace faulty {

enum class Fault { none, crash, hang, exit, fail, lie };

// The config says what goes wrong when: {"start": fault, "activate": fault, "stop": fault}, with a fault of "none",
// "crash", "hang", "exit" (with code 7), "fail" (which a stop cannot) or "lie" (answers a call that nobody made, and
// hangs).
class Faulty {
  public:
    explicit Faulty(const nlohmann::json& config);
    ~Faulty();
    Faulty(const Faulty&) = delete;
    Faulty& operator=(const Faulty&) = delete;

    void activate();

    // How many times it was called, this time included.
    std::string count();
    // Keeps the call for as long as the object lives.
    void never_answer(bulkhead::plugin::Call call);
    // Answers with the request, from another thread.
    void answer_later(bulkhead::plugin::Call call);

  private:
    void answer_waiting(const std::stop_token& stop);

    const Fault activate_fault_;
    const Fault stop_fault_;
    unsigned long count_ = 0;
    std::vector<bulkhead::plugin::Call> kept_;

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<bulkhead::plugin::Call> waiting_;
    std::jthread answerer_;  // last: ends before what it uses
};

}  // namespace faulty
