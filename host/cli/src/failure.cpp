#include "failure.hpp"

#include <array>
#include <bulkhead/host/report.hpp>
#include <string_view>

namespace bulkhead::cli {
namespace {

struct Advice {
    std::string_view part;  // of the sentence
    std::string_view next;
};

// What helps a plugin that does not start.
constexpr auto kStartAdvice = std::to_array<Advice>({
    {"there is no file", "build it, or correct 'library' in its plugin.json"},
    {"it is not an ELF file", "build it again"},
    {"it is empty", "build it again"},
    {"it is truncated", "build it again"},
    {"it is damaged", "build it again"},
    {"it was built for", "build it for this machine"},
    {"which was not found", "install that library, or put it beside the plugin"},
    {"which nothing defines", "link it with the library that does"},
    {"exports no function bulkhead_plugin", "end it with BULKHEAD_PLUGIN(...), or export that function yourself"},
    {"was built for plugin ABI", "compile it with the headers of this Bulkhead"},
    {"create function failed", "look at 'config' in its plugin.json"},
    {"which its manifest names", "correct 'methods' in its plugin.json"},
    {"it was not ready within", "let it start faster, or raise supervision.start_ms in its plugin.json"},
    {"link it with", ""},
});

std::string advice_for_start(const std::string& sentence, PluginOutput output) {
    for (const Advice& advice : kStartAdvice) {
        if (sentence.find(advice.part) != std::string::npos) {
            return std::string(advice.next);
        }
    }
    if (sentence.find("its worker ") != std::string::npos) {
        return output == PluginOutput::shown ? "look at what it printed before that"
                                             : "`bulkhead call --log` shows what it prints before that";
    }
    return "correct it, then build it again";
}

std::string next_step(const Error& error, const std::string& plugin, PluginOutput output) {
    switch (error.code) {
        case ErrorCode::bad_manifest:
            if (error.message.find("there is no such file") != std::string::npos) {
                return "give the folder that holds plugin.json, or the file itself";
            }
            return "correct it, then try `bulkhead check --manifest " + plugin + "`";
        case ErrorCode::load_failed:
            return error.message.starts_with("plugin ")
                       ? advice_for_start(error.message, output)
                       : "reinstall Bulkhead, or name the worker of the same build in BULKHEAD_WORKER";
        case ErrorCode::no_such_method:
            return "`bulkhead inspect " + plugin + "` lists its methods";
        case ErrorCode::crashed:
        case ErrorCode::protocol_violation:
            if (error.report && !error.report->repro.empty()) {
                return "`" + error.report->replay_command() + "` makes the call again";
            }
            [[fallthrough]];
        case ErrorCode::unavailable:
            return "`bulkhead check " + plugin + "` looks for requests that do this";
        case ErrorCode::timed_out:
            return "give it longer with --timeout, or raise supervision.call_ms in its manifest";
        case ErrorCode::too_large:
            return "send less, or raise limits.payload in its manifest";
        case ErrorCode::overloaded:
            return "send less at once, or raise limits.in_flight and limits.in_flight_bytes in its manifest";
        default:
            return {};
    }
}

}  // namespace

ExitCode exit_code_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::plugin_failed:
            return ExitCode::found;
        case ErrorCode::bad_manifest:
        case ErrorCode::load_failed:
        case ErrorCode::policy_unavailable:
            return ExitCode::not_loaded;
        case ErrorCode::timed_out:
        case ErrorCode::cancelled:
            return ExitCode::timed_out;
        case ErrorCode::too_large:
        case ErrorCode::no_such_method:
        case ErrorCode::no_such_plugin:
        case ErrorCode::invalid_argument:
            return ExitCode::usage;
        default:
            return ExitCode::lost;
    }
}

std::string advised(const Error& error, const std::string& plugin, PluginOutput output) {
    const std::string next = next_step(error, plugin, output);
    return next.empty() ? error.message : error.message + "; " + next;
}

Failure failure_of(const Error& error, const std::string& plugin, PluginOutput output) {
    return {exit_code_of(error.code), advised(error, plugin, output)};
}

}  // namespace bulkhead::cli
