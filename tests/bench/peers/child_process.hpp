// The processes that a peer needs.
#pragma once

#include <sys/types.h>

#include <functional>

namespace bulkhead::bench::peers {

// A forked process on one core. The destructor ends it with SIGTERM, this process's death with SIGKILL. Make it before
// anything that starts threads.
class ChildProcess {
  public:
    // What is called in the child when it can be used; the constructor returns only then.
    using Ready = std::function<void()>;

    // Throws std::runtime_error when the child ends before it is ready.
    ChildProcess(int core, const std::function<void(const Ready&)>& run);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    void hold() const;
    void resume() const;

  private:
    pid_t pid_ = 0;
};

// For a child that has to put something away: from then on SIGTERM only makes this true.
const volatile bool& asked_to_end();

}  // namespace bulkhead::bench::peers
