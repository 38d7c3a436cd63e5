// A request whose bytes cannot be read before a test lets them be.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

namespace bulkhead::testing {

// One page. Whoever reads it waits in a handler of SIGSEGV, which is this object's as long as it lives; one at a time.
class HeldRequest {
  public:
    HeldRequest();
    HeldRequest(const HeldRequest&) = delete;
    HeldRequest& operator=(const HeldRequest&) = delete;
    ~HeldRequest();

    std::span<const std::byte> bytes() const noexcept;
    // Any thread.
    void let_go() noexcept;

  private:
    static void on_read(int signal) noexcept;

    void* page_;
    std::atomic<bool> held_{true};
};

}  // namespace bulkhead::testing
