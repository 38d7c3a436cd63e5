// A report for people: first what happened, on which request, where, and how to see it again; then what else is known.
#include <array>
#include <cstdint>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <string>

#include "bulkhead/host/report.hpp"
#include "report_words.hpp"

namespace bulkhead {
namespace {

double milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::string hexadecimal(std::uint64_t value) {
    std::ostringstream out;
    out << "0x" << std::hex << value;
    return out.str();
}

std::string counted(std::uint64_t count, const char* thing) {
    return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

// What the fault was about, for the first line.
std::string where(const Report& report) {
    if (!report.crash || !report.crash->fault_address || report.crash->signal != report.signal) {
        return {};
    }
    const bool goes_on = !detail::moment_of(report).empty() || !report.running_method.empty();
    return " at " + hexadecimal(*report.crash->fault_address) + ", " + report.crash->fault_region +
           (goes_on ? "," : "");
}

void write_running(const Report& report, std::ostream& out) {
    if (report.running_method.empty()) {
        out << (detail::moment_of(report).empty() ? "  no call was running\n" : "");
        return;
    }
    out << "  running: " << report.running_method << ", " << counted(report.running_payload, "byte") << ", made "
        << milliseconds(report.running_age) << " ms before";
    if (report.running_id != 0) {
        out << ", call " << report.running_id;
    }
    if (report.running_trace) {
        out << ", trace " << std::hex << std::setfill('0');
        for (const std::uint8_t byte : *report.running_trace) {
            out << std::setw(2) << static_cast<unsigned>(byte);
        }
        out << std::dec << std::setfill(' ');
    }
    out << "\n";
}

void write_frame(const Frame& frame, std::size_t number, std::ostream& out) {
    out << "    #" << number << " " << (frame.function.empty() ? "unknown function" : frame.function);
    if (!frame.file.empty()) {
        out << " at " << frame.file << ":" << frame.line;
    }
    if (frame.module.empty()) {
        out << " (" << hexadecimal(frame.address) << ", in no library)\n";
    } else {
        out << " (" << frame.module << "+" << hexadecimal(frame.offset) << ")\n";
    }
}

void write_backtrace(const Report& report, std::ostream& out) {
    if (report.backtrace.empty()) {
        out << "  backtrace: " << (report.backtrace_note.empty() ? "not known" : report.backtrace_note) << "\n";
        return;
    }
    out << "  backtrace\n";
    for (std::size_t number = 0; number < report.backtrace.size(); ++number) {
        write_frame(report.backtrace[number], number, out);
    }
    if (!report.backtrace_note.empty()) {
        out << "    " << report.backtrace_note << "\n";
    }
}

void write_replay(const Report& report, std::ostream& out) {
    if (!report.repro.empty()) {
        out << "  again: " << report.replay_command() << "\n";
    } else if (!report.repro_note.empty()) {
        out << (report.running_id != 0 ? "  the call was not saved: " : "  no repro was saved: ") << report.repro_note
            << "\n";
    }
}

void write_recent_calls(const Report& report, std::ostream& out) {
    if (report.recent_calls.empty()) {
        return;
    }
    out << "  recent calls\n";
    for (const RecentCall& call : report.recent_calls) {
        out << "    " << call.method << ", " << counted(call.payload, "byte") << ", made " << milliseconds(call.age)
            << " ms before, call " << call.id << (call.answered ? ", answered" : ", begun and not answered") << "\n";
    }
}

void write_registers(const Crash& crash, std::ostream& out) {
    constexpr std::size_t kPerLine = 4;
    for (std::size_t index = 0; index < crash.registers.size(); ++index) {
        const std::string value = hexadecimal(crash.registers[index].value);
        const bool last = index % kPerLine == kPerLine - 1 || index + 1 == crash.registers.size();
        out << (index == 0 ? "  registers\n" : "") << (index % kPerLine == 0 ? "    " : "  ") << std::left
            << std::setw(6) << crash.registers[index].name << " " << std::setw(last ? 0 : 18) << value
            << (last ? "\n" : "");
    }
}

void write_modules(const Crash& crash, std::ostream& out) {
    if (crash.modules.empty()) {
        return;
    }
    out << "  modules\n";
    for (const Module& module : crash.modules) {
        out << "    " << hexadecimal(module.begin) << "-" << hexadecimal(module.end) << " " << module.name
            << (module.build_id.empty() ? ", no build id" : ", build id " + module.build_id) << "\n";
    }
}

std::string when(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    std::array<char, 64> text{};
    if (seconds == 0 || ::gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), ", died %Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        return {};
    }
    return text.data();
}

// As one word for the shell.
std::string quoted(const std::string& text) {
    std::string word = "'";
    for (const char c : text) {
        word += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return word + "'";
}

}  // namespace

std::string Report::replay_command() const {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@+,";
    const std::string file = repro.string();
    if (file.empty()) {
        return {};
    }
    return "bulkhead replay " + (file.find_first_not_of(kPlain) == std::string::npos ? file : quoted(file));
}

std::string Report::text() const {
    std::ostringstream out;
    out << "plugin " << plugin << " " << version << ": " << detail::subject_of(*this) << " "
        << detail::clause_of(*this, where(*this)) << "\n";
    if (!id.empty()) {
        out << "  report " << id << "\n";
    }
    if (crash) {
        out << "  " << crash->clause() << "\n";
    }
    write_running(*this, out);
    write_backtrace(*this, out);
    write_replay(*this, out);
    for (const std::string& line : last_lines) {
        out << "  | " << line << "\n";
    }
    write_recent_calls(*this, out);
    if (crash) {
        write_registers(*crash, out);
    }
    out << "  cpu " << milliseconds(user_time) << " ms user, " << milliseconds(system_time) << " ms system, peak "
        << peak_resident_bytes / 1024 << " KiB resident\n"
        << "  life " << incarnation << ", up " << milliseconds(uptime) << " ms, " << counted(restarts, "restart")
        << " before" << when(time) << "\n";
    if (crash) {
        write_modules(*crash, out);
    }
    return out.str();
}

}  // namespace bulkhead
