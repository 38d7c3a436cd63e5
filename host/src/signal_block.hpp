// Threads that the server's signal handlers never run on.
#pragma once

#include <pthread.h>

#include <csignal>

namespace bulkhead::detail {

// Blocks all signals of the calling thread while it lives. A thread made meanwhile inherits that for good.
class SignalBlock {
  public:
    SignalBlock() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalBlock() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalBlock(const SignalBlock&) = delete;
    SignalBlock& operator=(const SignalBlock&) = delete;

  private:
    sigset_t before_;
};

}  // namespace bulkhead::detail
