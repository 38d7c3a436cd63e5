// Wakes the host's supervisor.
#pragma once

#include <sys/eventfd.h>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {

// The eventfd that the host polls for one worker. Any thread. Owned by the worker's main function.
class SignalEvent {
  public:
    explicit SignalEvent(transport::Descriptor event) noexcept : event_(std::move(event)) {}

    // A full counter is as good as one more: then the host has yet to look anyway.
    void raise() const noexcept { ::eventfd_write(event_.get(), 1); }

  private:
    transport::Descriptor event_;
};

}  // namespace bulkhead::worker
