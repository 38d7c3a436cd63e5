// Wakes the host's supervisor.
#pragma once

#include <poll.h>
#include <unistd.h>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {

// The pipe that the host polls for one worker, opened once more so that writing does not block. It is that of its
// output; a zero byte in it is a call. Any thread. Owned by the worker's main function.
class SignalEvent {
  public:
    explicit SignalEvent(transport::Descriptor pipe) noexcept : pipe_(std::move(pipe)) {}

    // A full pipe is as good as one byte more: then the host has yet to look anyway.
    void raise() const noexcept {
        const char call = '\0';
        [[maybe_unused]] const ssize_t written = ::write(pipe_.get(), &call, sizeof call);
    }

    // For the crash handler, which must not block where the plugin has filled the pipe and made it block.
    void raise_without_waiting() const noexcept {
        pollfd writable{pipe_.get(), POLLOUT, 0};
        if (::poll(&writable, 1, 0) == 1) {
            raise();
        }
    }

  private:
    transport::Descriptor pipe_;
};

}  // namespace bulkhead::worker
