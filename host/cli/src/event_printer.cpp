#include "event_printer.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <bulkhead/host/report_json.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "console.hpp"
#include "json_text.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            break;
    }
    return spdlog::level::err;
}

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            break;
    }
    return "error";
}

std::string_view name_of(LogSource source) {
    switch (source) {
        case LogSource::output:
            return "output";
        case LogSource::plugin:
            return "log";
        case LogSource::host:
            break;
    }
    return "host";
}

double unix_time() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

EventPrinter::EventPrinter(Form form) : form_(form) {
    const bool colours = Colours::of_output().on();
    auto sink = std::make_shared<spdlog::sinks::stdout_color_sink_mt>(colours ? spdlog::color_mode::always
                                                                              : spdlog::color_mode::never);
    // A logger of our own: spdlog's registry is for those who share one.
    logger_ = std::make_shared<spdlog::logger>("bulkhead", std::move(sink));
    logger_->set_level(spdlog::level::debug);
    logger_->flush_on(spdlog::level::debug);
    logger_->set_pattern(form == Form::json ? "%v" : "%H:%M:%S.%e %^%-7l%$ %v");
}

EventPrinter::~EventPrinter() = default;

void EventPrinter::started(const Plugin& plugin) {
    const PluginStatus status = plugin.status();
    event("started", plugin.name(), LogLevel::info,
          "started " + plugin.version() + " with " + counted(plugin.methods().size(), "method") + ", process " +
              std::to_string(status.worker_pid),
          {{"version", plugin.version()}, {"pid", status.worker_pid}});
}

void EventPrinter::stopped(const Plugin& plugin) {
    const Stats stats = plugin.stats();
    event("stopped", plugin.name(), LogLevel::info, "stopped after " + counted(stats.deaths, "death"),
          {{"deaths", stats.deaths}});
}

void EventPrinter::line(const LogLine& line) {
    const std::string lost =
        line.dropped_before == 0 ? "" : "(" + counted(line.dropped_before, "line") + " lost before this) ";
    const std::string mark = line.source == LogSource::output ? "| " : "";
    if (form_ == Form::lines) {
        print_line(line.plugin, line.level, lost + mark + line.text);
    } else {
        event(name_of(line.source), line.plugin, line.level, line.text, {{"dropped_before", line.dropped_before}});
    }
}

void EventPrinter::death(const Report& report, bool is_kept) {
    if (form_ == Form::json) {
        event("died", report.plugin, LogLevel::error, report.clause(), {{"report", to_json(report)}});
    } else if (!report.repro.empty()) {
        print_line(report.plugin, LogLevel::error, "again: " + report.replay_command());
    } else if (is_kept) {
        print_line(report.plugin, LogLevel::error, "report " + report.id);
    }
}

void EventPrinter::tell(std::string_view text) { event("program", "bulkhead", LogLevel::info, text, Json::object()); }

void EventPrinter::event(std::string_view name, std::string_view plugin, LogLevel level, std::string_view text,
                         Json more) {
    if (form_ == Form::lines) {
        print_line(plugin, level, text);
        return;
    }
    more["time"] = unix_time();
    more["event"] = name;
    more["plugin"] = plugin;
    more["level"] = name_of(level);
    more["text"] = text;
    std::string line = json_line(more);
    line.pop_back();  // spdlog ends the line
    print_line(plugin, level, line);
}

void EventPrinter::print_line(std::string_view plugin, LogLevel level, std::string_view text) {
    const std::string shown_text = harmless(text);
    if (form_ == Form::json) {
        logger_->log(spdlog_level(level), "{}", shown_text);
    } else {
        logger_->log(spdlog_level(level), "{:<12} {}", plugin, shown_text);
    }
    if (std::ferror(stdout) != 0) {
        writable_ = false;
    }
}

}  // namespace bulkhead::cli
