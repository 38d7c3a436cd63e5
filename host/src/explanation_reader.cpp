#include "explanation_reader.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "bounded_json.hpp"
#include "shown_text.hpp"

namespace bulkhead::detail {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostFrames = 1024;
constexpr std::size_t kLongestName = 512;
constexpr std::size_t kLongestNote = 512;

std::optional<std::uint64_t> number_in(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? std::optional(found->get<std::uint64_t>())
                                                                : std::nullopt;
}

std::optional<std::string> text_in(const Json& object, const char* key, std::size_t most) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string()
               ? std::optional(shown_text(found->get_ref<const std::string&>(), most))
               : std::nullopt;
}

std::optional<Frame> frame_from(const Json& json, const std::vector<Module>& modules) {
    if (!json.is_object()) {
        return std::nullopt;
    }
    const auto address = number_in(json, "address");
    const auto lookup = number_in(json, "lookup");
    const auto line = number_in(json, "line");
    auto function = text_in(json, "function", kLongestName);
    auto file = text_in(json, "file", kLongestName);
    if (!address || !lookup || !line || *line > UINT32_MAX || !function || !file) {
        return std::nullopt;
    }
    Frame frame;
    frame.address = *address;
    frame.function = *std::move(function);
    frame.file = *std::move(file);
    frame.line = static_cast<std::uint32_t>(*line);
    const auto module = std::find_if(modules.begin(), modules.end(), [&](const Module& candidate) {
        return *lookup >= candidate.begin && *lookup < candidate.end;
    });
    if (module != modules.end()) {
        frame.module = module->name;
        frame.offset = *lookup - module->bias;
    }
    return frame;
}

}  // namespace

bool read_explanation(std::string_view answer, const std::vector<Module>& modules, Report& report) {
    std::string cause;
    const auto json = parse_bounded_json(answer, cause);
    if (!json || !json->is_object()) {
        return false;
    }
    const auto frames = json->find("frames");
    auto note = text_in(*json, "note", kLongestNote);
    if (frames == json->end() || !frames->is_array() || frames->size() > kMostFrames || !note) {
        return false;
    }
    std::vector<Frame> backtrace;
    for (const Json& entry : *frames) {
        auto frame = frame_from(entry, modules);
        if (!frame) {
            return false;
        }
        backtrace.push_back(*std::move(frame));
    }
    report.backtrace = std::move(backtrace);
    report.backtrace_note = *std::move(note);
    return true;
}

}  // namespace bulkhead::detail
