#include "failure.hpp"

#include <bulkhead/host/report.hpp>

namespace bulkhead::cli {
namespace {

std::string next_step(const Error& error, const std::string& plugin) {
    switch (error.code) {
        case ErrorCode::bad_manifest:
            if (error.message.find("there is no such file") != std::string::npos) {
                return "give the folder that holds plugin.json, or the file itself";
            }
            return "correct it, then try `bulkhead check --manifest " + plugin + "`";
        case ErrorCode::load_failed:
            if (error.message.starts_with("plugin ")) {
                return "`bulkhead inspect --no-start " + plugin + "` shows what its libraries need and offer";
            }
            return "reinstall Bulkhead, or name the worker of the same build in BULKHEAD_WORKER";
        case ErrorCode::no_such_method:
            return "`bulkhead inspect " + plugin + "` lists its methods";
        case ErrorCode::crashed:
        case ErrorCode::protocol_violation:
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

std::string advised(const Error& error, const std::string& plugin) {
    const std::string next = next_step(error, plugin);
    return next.empty() ? error.message : error.message + "; " + next;
}

Failure failure_of(const Error& error, const std::string& plugin) {
    return {exit_code_of(error.code), advised(error, plugin)};
}

}  // namespace bulkhead::cli
