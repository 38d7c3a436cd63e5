// Starting and ending the guard, the host's only child.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <chrono>
#include <filesystem>
#include <string>

#include "bulkhead/host/error.hpp"

namespace bulkhead::detail {

// A running guard. Move-only. Destruction without end() leaves it running: it ends itself with the host.
class GuardProcess {
  public:
    GuardProcess() = default;
    // Starts the worker executable behind an open descriptor as a guard, with the control socket's far end and an
    // empty environment. `name` is for errors. Descriptors, signal dispositions and children of the server stay as
    // they are.
    static result<GuardProcess> start(const transport::Descriptor& executable, const std::filesystem::path& name,
                                      const transport::Descriptor& far_end);

    const transport::Descriptor& pidfd() const noexcept { return pidfd_; }
    // Waits until it is gone and reaps it; kills it when that takes longer than `patience`.
    void end(std::chrono::milliseconds patience) noexcept;

  private:
    transport::Descriptor pidfd_;
};

}  // namespace bulkhead::detail
