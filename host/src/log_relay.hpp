// From a worker's output and log to the server's hook.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/host/log.hpp"

namespace bulkhead::detail {

// Hands a plugin's lines to the hook on the callback executor. Bounded: when the hook is slower than the plugin, lines
// are dropped and counted. One per lane. Any thread.
class LogRelay {
  public:
    LogRelay(std::string plugin, LogHook hook, boost::asio::any_io_executor executor);

    void line(LogSource source, LogLevel level, std::string_view text);
    // Lines that were lost before they came here.
    void lost(std::uint64_t count);
    std::uint64_t dropped() const;

  private:
    struct Queue;  // shared with the callback thread

    std::string plugin_;
    boost::asio::any_io_executor executor_;
    std::shared_ptr<Queue> queue_;
};

// The last words of one worker: cuts its output into lines, passes all lines on and keeps the last ones for its
// report. One thread.
class LastWords {
  public:
    // Bytes of stdout and stderr, cut anywhere. Lines over 4 KiB are cut, and made printable.
    void output(std::string_view bytes, LogRelay& relay);
    // The writer is gone: what is left is a line.
    void end_of_output(LogRelay& relay);
    // A line of its log service.
    void logged(LogLevel level, std::string_view text, LogRelay& relay);

    std::vector<std::string> lines() const { return {last_.begin(), last_.end()}; }

  private:
    void emit(LogRelay& relay);
    void keep(std::string_view text);

    std::string partial_;
    bool cut_ = false;  // the line so far was cut and passed on
    std::deque<std::string> last_;
};

}  // namespace bulkhead::detail
