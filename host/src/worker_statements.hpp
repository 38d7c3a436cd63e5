// What a worker says about itself besides replies, read from its outbox. Every byte of it is hostile: it is copied
// once, cut to its limits and made plain text before anybody sees it.
#pragma once

#include <bulkhead/transport/read_once.hpp>
#include <bulkhead/transport/worker_outbox.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/host/log.hpp"
#include "bulkhead/host/plugin.hpp"

namespace bulkhead::detail {

// Up to the first zero, with blanks for what is not printable.
std::string plain_text(std::string_view text);

// The failure or step text.
std::string read_failure(const transport::WorkerOutboxView& view);

// What its dispatcher runs, or was running when it died or was asked where it hangs: a call's id, or another number.
std::uint64_t read_running(const transport::WorkerOutboxView& view);

// The plugin's function that its dispatcher runs, or was running, outside of calls: "in its save function"; or nothing.
std::string_view read_function(const transport::WorkerOutboxView& view);

// The method table with the manifest's overrides of `idempotent`. On failure `wrong` says why it cannot be right, as a
// clause about "it".
std::vector<MethodDescription> read_methods(const transport::WorkerOutboxView& view,
                                            const std::map<std::string, bool>& idempotent, std::string& wrong);

// The reading end of the log ring, which loses the oldest lines. One thread.
class LogRingReader {
  public:
    using OnLost = std::function<void(std::uint64_t)>;
    using OnLine = std::function<void(LogLevel, std::string_view)>;

    // Hands over the lines published since the last time, and how many were lost, in the order of the ring.
    void read(const transport::WorkerOutboxView& view, std::uint64_t slots, const OnLost& on_lost,
              const OnLine& on_line);

  private:
    std::uint64_t position_ = 0;
};

}  // namespace bulkhead::detail
