#include <algorithm>
#include <cmath>
#include <string_view>

#include "bulkhead/host/report_json.hpp"
#include "json_members.hpp"

namespace bulkhead {
namespace {

using Json = nlohmann::json;
using detail::JsonMembers;

// The one of that name among those up to `last`.
template <typename Enum>
void read_name(const JsonMembers& members, const char* key, Enum last, Enum& value) {
    if (!members.has(key)) {
        return;
    }
    std::string name;
    members.read(key, name);
    for (int number = 0; number <= static_cast<int>(last); ++number) {
        if (to_string(static_cast<Enum>(number)) == name) {
            value = static_cast<Enum>(number);
            return;
        }
    }
    members.refuse(key, "is none that there is");
}

void read_time(const JsonMembers& members, std::chrono::system_clock::time_point& time) {
    const Json* value = members.find("time");
    if (value == nullptr) {
        return;
    }
    const double seconds = value->is_number() ? value->get<double>() : NAN;
    if (!(std::abs(seconds) < 9e9)) {
        members.refuse("time", "is no time");
    }
    time = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::duration<double>(seconds)));
}

void read_lines(const JsonMembers& members, std::vector<std::string>& lines) {
    const Json* value = members.find("last_lines");
    if (value == nullptr) {
        return;
    }
    const auto is_text = [](const Json& line) { return line.is_string(); };
    if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_text)) {
        members.refuse("last_lines", "is no list of texts");
    }
    lines = value->get<std::vector<std::string>>();
}

RecentCall recent_call(const JsonMembers& members) {
    RecentCall call;
    members.read("id", call.id);
    members.read("method", call.method);
    members.read("request_bytes", call.payload);
    members.read("age_ms", call.age);
    members.read("answered", call.answered);
    return call;
}

Frame frame(const JsonMembers& members) {
    Frame frame;
    members.read("address", frame.address);
    members.read("module", frame.module);
    members.read("offset", frame.offset);
    members.read("function", frame.function);
    members.read("file", frame.file);
    members.read("line", frame.line);
    return frame;
}

Module module_from(const JsonMembers& members) {
    Module module;
    members.read("name", module.name);
    members.read("begin", module.begin);
    members.read("end", module.end);
    members.read("code_begin", module.code_begin);
    members.read("code_end", module.code_end);
    members.read("bias", module.bias);
    members.read("build_id", module.build_id);
    return module;
}

Register register_from(const JsonMembers& members) {
    Register one;
    members.read("name", one.name);
    members.read("value", one.value);
    return one;
}

Crash crash(const JsonMembers& members) {
    Crash crash;
    members.read("signal", crash.signal);
    members.read("si_code", crash.code);
    members.read("code", crash.code_name);
    members.read("thread", crash.thread);
    members.read("on_dispatcher", crash.on_dispatcher);
    members.read("instruction", crash.instruction);
    members.read("fault_region", crash.fault_region);
    members.read("module", crash.instruction_module);
    members.read("module_offset", crash.instruction_offset);
    if (members.has("fault_address")) {
        members.read("fault_address", crash.fault_address.emplace());
    }
    members.each("registers", [&](const JsonMembers& one) { crash.registers.push_back(register_from(one)); });
    members.each("modules", [&](const JsonMembers& one) { crash.modules.push_back(module_from(one)); });
    return crash;
}

void read_running(const JsonMembers& members, Report& report) {
    members.read("method", report.running_method);
    members.read("id", report.running_id);
    members.read("request_bytes", report.running_payload);
    members.read("age_ms", report.running_age);
    members.read("trace", report.running_trace);
}

Report report_of(const JsonMembers& members) {
    Report report;
    members.require("id");
    members.require("plugin");
    members.require("cause");
    members.read("id", report.id);
    members.read("plugin", report.plugin);
    members.read("version", report.version);
    read_name(members, "cause", Cause::policy_violation, report.cause);
    read_name(members, "phase", Phase::stopping, report.phase);
    read_time(members, report.time);
    members.read("life", report.incarnation);
    members.read("restarts", report.restarts);
    members.read("uptime_ms", report.uptime);
    members.read("user_ms", report.user_time);
    members.read("system_ms", report.system_time);
    members.read("peak_resident_bytes", report.peak_resident_bytes);
    members.read("signal", report.signal);
    members.read("exit_code", report.exit_code);
    members.read("step", report.step);
    members.read("detail", report.detail);
    members.read("backtrace_note", report.backtrace_note);
    members.read("repro_note", report.repro_note);
    std::string repro;
    members.read("repro", repro);
    report.repro = repro;
    read_lines(members, report.last_lines);
    members.each("recent_calls", [&](const JsonMembers& one) { report.recent_calls.push_back(recent_call(one)); });
    members.each("backtrace", [&](const JsonMembers& one) { report.backtrace.push_back(frame(one)); });
    if (members.has("running")) {
        read_running(members.section("running"), report);
    }
    if (members.has("crash")) {
        report.crash = crash(members.section("crash"));
    }
    return report;
}

}  // namespace

result<Report> report_from_json(const Json& json) {
    try {
        return report_of(JsonMembers(json, ""));
    } catch (const detail::UnreadableMember& unreadable) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0, std::string("it is no report: ") + unreadable.what(),
                     nullptr};
    }
}

}  // namespace bulkhead
