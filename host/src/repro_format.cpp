#include "repro_format.hpp"

#include "bounded_json.hpp"
#include "bulkhead/host/report_json.hpp"
#include "json_members.hpp"

namespace bulkhead::detail {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKind = "bulkhead-repro ";

// Cuts the first line off, with its end. Empty: there is none.
std::string_view take_line(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end == std::string_view::npos ? 0 : end + 1);
    bytes.remove_prefix(line.size());
    return line;
}

std::vector<std::byte> take_bytes(std::string_view& bytes, std::uint64_t size) {
    if (size > bytes.size()) {
        throw UnreadableMember("it ends too early");
    }
    const auto taken = std::as_bytes(std::span(bytes.substr(0, size)));
    bytes.remove_prefix(size);
    return {taken.begin(), taken.end()};
}

void read_optional(const JsonMembers& members, const char* member, std::optional<std::chrono::nanoseconds>& target) {
    if (members.has(member)) {
        members.read(member, target.emplace());
    }
}

// A text of its own within the file.
void require_json(const char* member, const std::string& text) {
    std::string cause;
    if (!parse_bounded_json(text, cause)) {
        throw UnreadableMember(std::string("its ") + member + " is damaged: " + cause);
    }
}

Repro repro_of(const Json& head, std::string_view bytes) {
    const JsonMembers members(head, "");
    Repro repro;
    for (const char* member : {"method", "request_bytes", "manifest", "folder", "library", "report"}) {
        members.require(member);
    }
    std::string folder;
    std::uint64_t request_size = 0;
    members.read("method", repro.method);
    members.read("manifest", repro.manifest.json);
    require_json("manifest", repro.manifest.json);
    members.read("folder", folder);
    repro.manifest.directory = folder;
    members.read("config", repro.config);
    require_json("config", repro.config);
    members.read("library", repro.library);
    members.read("library_hash", repro.library_hash);
    members.read("trace", repro.trace);
    read_optional(members, "timeout_ms", repro.timeout);
    read_optional(members, "deadline_left_ms", repro.deadline_left);
    members.read("in_session", repro.in_session);
    members.read("request_bytes", request_size);
    repro.request = take_bytes(bytes, request_size);
    if (members.has("state")) {
        const JsonMembers state = members.section("state");
        std::uint64_t size = 0;
        state.read("bytes", size);
        state.read("version", repro.state.emplace().version);
        repro.state->bytes = take_bytes(bytes, size);
    }
    if (!bytes.empty()) {
        throw UnreadableMember("there is more in it than there should be");
    }
    auto report = report_from_json(*members.find("report"));
    if (!report) {
        throw UnreadableMember("its report cannot be read: " + report.error().message);
    }
    repro.report = *std::move(report);
    return repro;
}

}  // namespace

std::string repro_head(const Repro& repro) {
    Json head = {{"method", repro.method},
                 {"request_bytes", repro.request.size()},
                 {"manifest", repro.manifest.json},
                 {"folder", repro.manifest.directory.string()},
                 {"config", repro.config},
                 {"library", repro.library},
                 {"library_hash", repro.library_hash},
                 {"in_session", repro.in_session},
                 {"report", to_json(repro.report)}};
    if (repro.state) {
        head["state"] = {{"version", repro.state->version}, {"bytes", repro.state->bytes.size()}};
    }
    if (repro.trace) {
        head["trace"] = json_digits(*repro.trace);
    }
    if (repro.timeout) {
        head["timeout_ms"] = json_milliseconds(*repro.timeout);
    }
    if (repro.deadline_left) {
        head["deadline_left_ms"] = json_milliseconds(*repro.deadline_left);
    }
    return std::string(kReproStart) + head.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

result<Repro> parse_repro(std::string_view bytes, const std::string& origin) {
    const auto refuse = [&origin](const std::string& why) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0, origin + " cannot be run again: " + why, nullptr};
    };
    const std::string_view first = take_line(bytes);
    if (first != kReproStart) {
        return refuse(first.starts_with(kKind) ? "it was saved by another version of Bulkhead" : "it is no repro file");
    }
    std::string cause;
    const auto head = parse_bounded_json(take_line(bytes), cause);
    if (!head) {
        return refuse("its second line is damaged: " + cause);
    }
    try {
        return repro_of(*head, bytes);
    } catch (const UnreadableMember& unreadable) {
        return refuse(unreadable.what());
    }
}

}  // namespace bulkhead::detail
