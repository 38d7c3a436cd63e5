// A host with the witness plugin: each call that really ran leaves a line in the journal.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {

class Witness {
  public:
    explicit Witness(const nlohmann::json& changes = kEndlessRestarts, HostOptions options = host_options());

    Service& service() { return service_; }
    const Plugin& plugin() const { return service_.plugin(); }
    // The requests of all calls that ran, in order.
    std::vector<std::string> journal() const;
    // A FIFO that a call of `hold` can wait at.
    std::string make_gate();

  private:
    ScratchFolder scratch_;
    int gates_ = 0;
    Service service_;
};

// A call of `hold` that keeps the worker busy. When the constructor returns, it has begun.
class Held {
  public:
    explicit Held(Witness& witness);
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held();

    void let_go();
    // Of the call, which must end now.
    std::string outcome();

  private:
    int gate_ = -1;
    std::string outcome_;
    std::thread caller_;
};

}  // namespace bulkhead::tests
