// Where threads and processes run.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <vector>

namespace bulkhead::bench {

// The cores that this process may use, as it was started. Immutable.
class Cores {
  public:
    Cores();

    std::size_t count() const noexcept { return numbers_.size(); }
    int at(std::size_t index) const { return numbers_.at(index); }
    bool enough_to_pin() const noexcept { return count() >= 2; }
    // Who calls, and who answers. The same core when there is only one.
    int caller() const noexcept { return numbers_.front(); }
    int answerer() const noexcept { return numbers_.at(count() >= 2 ? 1 : 0); }

  private:
    std::vector<int> numbers_;
};

// Ties a thread, by its id, to one core; 0 is the calling one. False: it is gone.
bool pin(pid_t thread, int core);

// Ties each thread that the process has now.
void pin_process(pid_t process, int core);

// While it lives, the thread that made it stays on one core. What it starts meanwhile inherits that.
class PinnedThread {
  public:
    explicit PinnedThread(int core);
    ~PinnedThread();
    PinnedThread(const PinnedThread&) = delete;
    PinnedThread& operator=(const PinnedThread&) = delete;

  private:
    cpu_set_t before_{};
};

}  // namespace bulkhead::bench
