// From a worker's output and log to the server's hook.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/host/log.hpp"

namespace bulkhead::detail {

// Cuts bytes into lines, keeps the last ones for reports, and hands all to the hook on the callback executor.
// Bounded: when the hook is slower than the plugin, lines are dropped and counted. Supervisor thread, except dropped().
class LogRelay {
  public:
    LogRelay(std::string plugin, LogHook hook, boost::asio::any_io_executor executor);

    // Bytes of stdout and stderr, cut anywhere.
    void output(std::string_view bytes);
    // The writer is gone: what is left is a line.
    void end_of_output();
    void line(LogSource source, LogLevel level, std::string_view text);
    // Lines that were lost before they came here.
    void lost(std::uint64_t count);

    std::vector<std::string> last_lines() const { return {last_.begin(), last_.end()}; }
    std::uint64_t dropped() const;  // any thread

  private:
    struct Queue;  // shared with the callback thread
    void emit_partial();

    std::string plugin_;
    boost::asio::any_io_executor executor_;
    std::shared_ptr<Queue> queue_;
    std::string partial_;
    std::deque<std::string> last_;
};

}  // namespace bulkhead::detail
