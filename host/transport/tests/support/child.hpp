// The other process of a test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::transport::testing {

// A forked child. It runs `body`, which returns an empty sentence when all held and otherwise what did not, and
// leaves with _exit. Owned by the test; killed and reaped at the latest when it goes out of scope, and by the
// kernel when the test program dies. Fork it while the test program has one thread.
class Child {
  public:
    explicit Child(const std::function<std::string()>& body);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const noexcept { return pid_; }

    // Waits for its end. Empty: all held. Otherwise the sentence of `body`, or how it died.
    std::string outcome(std::chrono::seconds patience = std::chrono::seconds(120));

  private:
    std::string read_sentence() const;

    pid_t pid_ = -1;
    Descriptor sentence_;
    Descriptor process_;
};

}  // namespace bulkhead::transport::testing
