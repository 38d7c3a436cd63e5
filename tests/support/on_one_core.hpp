// With one core: what the test starts shares it.
#pragma once

#include <doctest/doctest.h>
#include <sched.h>

namespace bulkhead::tests {

// This thread, and whatever it starts from now on, until the test ends.
class OnOneCore {
  public:
    OnOneCore() {
        REQUIRE(::sched_getaffinity(0, sizeof before_, &before_) == 0);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core) {
            if (CPU_ISSET(core, &before_)) {
                CPU_SET(core, &one);
            }
        }
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    }
    ~OnOneCore() { ::sched_setaffinity(0, sizeof before_, &before_); }
    OnOneCore(const OnOneCore&) = delete;
    OnOneCore& operator=(const OnOneCore&) = delete;

  private:
    cpu_set_t before_{};
};

}  // namespace bulkhead::tests
