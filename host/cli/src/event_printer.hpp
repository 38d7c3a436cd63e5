// The events of running plugins, on standard output as they come.
#pragma once

#include <atomic>
#include <bulkhead/host/host.hpp>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace bulkhead::cli {

// Each event is one line: time, plugin, what happened; or a JSON object. Any thread.
class EventPrinter {
  public:
    enum class Form { lines, json };

    explicit EventPrinter(Form form);
    ~EventPrinter();

    void started(const Plugin& plugin);
    void stopped(const Plugin& plugin);
    // What a plugin prints and logs, and what the host says about it.
    void line(const LogLine& line);
    // For people the host's line says it, and what is left is how to see it again, or the report if that `is_kept`.
    void death(const Report& report, bool is_kept);
    // About this program itself.
    void tell(std::string_view text);

    // False: the last event could not be written; nobody reads us any more.
    bool is_writable() const { return writable_; }

  private:
    void event(std::string_view name, std::string_view plugin, LogLevel level, std::string_view text,
               nlohmann::json more);
    void print_line(std::string_view plugin, LogLevel level, std::string_view text);

    const Form form_;
    std::shared_ptr<spdlog::logger> logger_;
    std::atomic<bool> writable_ = true;
};

}  // namespace bulkhead::cli
