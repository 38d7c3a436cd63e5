#include "bulkhead/host/report_json.hpp"

#include "json_members.hpp"

namespace bulkhead {
namespace {

using Json = nlohmann::json;
using detail::json_milliseconds;

// Since 1970, in seconds.
double seconds_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

template <typename T, typename ToJson>
Json list_of(const std::vector<T>& all, const ToJson& to_json_one) {
    Json list = Json::array();
    for (const T& one : all) {
        list.push_back(to_json_one(one));
    }
    return list;
}

Json module_json(const Module& module) {
    return {{"name", module.name},         {"begin", module.begin},
            {"end", module.end},           {"code_begin", module.code_begin},
            {"code_end", module.code_end}, {"bias", module.bias},
            {"build_id", module.build_id}};
}

Json register_json(const Register& one) { return {{"name", one.name}, {"value", one.value}}; }

Json frame_json(const Frame& frame) {
    Json json = {{"address", frame.address}};
    if (!frame.module.empty()) {
        json["module"] = frame.module;
        json["offset"] = frame.offset;
    }
    if (!frame.function.empty()) {
        json["function"] = frame.function;
    }
    if (!frame.file.empty()) {
        json["file"] = frame.file;
        json["line"] = frame.line;
    }
    return json;
}

Json recent_json(const RecentCall& call) {
    return {{"id", call.id},
            {"method", call.method},
            {"request_bytes", call.payload},
            {"age_ms", json_milliseconds(call.age)},
            {"answered", call.answered}};
}

Json crash_json(const Crash& crash) {
    Json json = {{"clause", crash.clause()},
                 {"signal", crash.signal},
                 {"si_code", crash.code},
                 {"code", crash.code_name},
                 {"thread", crash.thread},
                 {"on_dispatcher", crash.on_dispatcher},
                 {"instruction", crash.instruction},
                 {"registers", list_of(crash.registers, register_json)},
                 {"modules", list_of(crash.modules, module_json)}};
    if (crash.fault_address) {
        json["fault_address"] = *crash.fault_address;
        json["fault_region"] = crash.fault_region;
    }
    if (!crash.instruction_module.empty()) {
        json["module"] = crash.instruction_module;
        json["module_offset"] = crash.instruction_offset;
    }
    return json;
}

Json running_json(const Report& report) {
    Json json = {{"method", report.running_method},
                 {"id", report.running_id},
                 {"request_bytes", report.running_payload},
                 {"age_ms", json_milliseconds(report.running_age)}};
    if (report.running_trace) {
        json["trace"] = detail::json_digits(*report.running_trace);
    }
    return json;
}

void add_text(Json& json, const char* member, const std::string& text) {
    if (!text.empty()) {
        json[member] = text;
    }
}

}  // namespace

Json to_json(const Report& report) {
    Json json = {{"id", report.id},
                 {"time", seconds_of(report.time)},
                 {"plugin", report.plugin},
                 {"version", report.version},
                 {"cause", to_string(report.cause)},
                 {"clause", report.clause()},
                 {"phase", to_string(report.phase)},
                 {"life", report.incarnation},
                 {"restarts", report.restarts},
                 {"uptime_ms", json_milliseconds(report.uptime)},
                 {"user_ms", json_milliseconds(report.user_time)},
                 {"system_ms", json_milliseconds(report.system_time)},
                 {"peak_resident_bytes", report.peak_resident_bytes},
                 {"recent_calls", list_of(report.recent_calls, recent_json)},
                 {"backtrace", list_of(report.backtrace, frame_json)},
                 {"last_lines", report.last_lines}};
    if (report.signal != 0) {
        json["signal"] = report.signal;
        json["signal_name"] = signal_name(report.signal);
    }
    if (report.cause == Cause::exit) {
        json["exit_code"] = report.exit_code;
    }
    if (!report.running_method.empty()) {
        json["running"] = running_json(report);
    }
    if (report.crash) {
        json["crash"] = crash_json(*report.crash);
    }
    add_text(json, "step", report.step);
    add_text(json, "detail", report.detail);
    add_text(json, "backtrace_note", report.backtrace_note);
    add_text(json, "repro", report.repro.string());
    add_text(json, "replay_command", report.replay_command());
    add_text(json, "repro_note", report.repro_note);
    return json;
}

}  // namespace bulkhead
