// Starting and ending the guard, the host's only child.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <chrono>
#include <system_error>

namespace bulkhead::detail {

// A running guard. Move-only. Destruction without end() leaves it running: it ends itself with the host.
class GuardProcess {
  public:
    // Starts the worker executable behind an open descriptor as a guard, with the control socket's far end and an
    // empty environment. Descriptors, signal dispositions and children of the server stay as they are. Only where
    // none was started, or after its end.
    std::error_code start(const transport::Descriptor& executable, const transport::Descriptor& far_end);

    const transport::Descriptor& pidfd() const noexcept { return pidfd_; }
    // Waits until it is gone and reaps it; kills it when that takes longer than `patience`.
    void end(std::chrono::milliseconds patience) noexcept;

  private:
    transport::Descriptor pidfd_;
};

}  // namespace bulkhead::detail
