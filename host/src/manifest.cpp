#include "manifest.hpp"

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "bounded_json.hpp"
#include "shown_text.hpp"

namespace bulkhead::detail {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxManifestSize = std::size_t{1} << 20;
constexpr std::size_t kMaxNameLength = 64;
constexpr std::uint64_t kDay = std::uint64_t{24} * 3600 * 1000;  // milliseconds

// Ends the reading; never leaves this file.
struct Refusal {
    std::string sentence;
};

[[noreturn]] void refuse(const std::string& sentence) { throw Refusal{sentence}; }

// One JSON object of the manifest and how errors call it. Fields that nobody asked for are refused, so a typing
// error cannot silently be a default.
class Section {
  public:
    Section(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
        if (!json_.is_object()) {
            refuse(path_.empty() ? "it must be a JSON object" : "field '" + path_ + "' must be an object");
        }
    }

    void allow(std::initializer_list<std::string_view> names) const {
        for (const auto& [key, value] : json_.items()) {
            if (std::find(names.begin(), names.end(), key) == names.end()) {
                std::string known;
                for (const std::string_view name : names) {
                    known += (known.empty() ? "" : ", ") + std::string(name);
                }
                refuse("field '" + name_of(key) + "' is not known; there are " + known);
            }
        }
    }

    const Json* find(const char* key) const {
        const auto found = json_.find(key);
        return found == json_.end() ? nullptr : &*found;
    }

    std::string required_text(const char* key) const {
        const Json* value = find(key);
        if (value == nullptr) {
            refuse("field '" + name_of(key) + "' is missing");
        }
        if (!value->is_string() || value->get_ref<const std::string&>().empty()) {
            refuse("field '" + name_of(key) + "' must be a text that is not empty");
        }
        if (value->get_ref<const std::string&>().find('\0') != std::string::npos) {
            refuse("field '" + name_of(key) + "' must not contain a zero character");
        }
        return value->get<std::string>();
    }

    void number(const char* key, std::uint64_t& target, std::uint64_t least, std::uint64_t most) const {
        const Json* value = find(key);
        if (value == nullptr) {
            return;
        }
        const bool fits =
            value->is_number_unsigned() && value->get<std::uint64_t>() >= least && value->get<std::uint64_t>() <= most;
        if (!fits) {
            refuse("field '" + name_of(key) + "' must be a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most) + ", and is " +
                   shown_text(value->dump(-1, ' ', true, Json::error_handler_t::replace), 40));
        }
        target = value->get<std::uint64_t>();
    }

    void number(const char* key, std::uint32_t& target, std::uint32_t least, std::uint32_t most) const {
        std::uint64_t wide = target;
        number(key, wide, least, most);
        target = static_cast<std::uint32_t>(wide);
    }

    void duration(const char* key, std::chrono::milliseconds& target, std::uint64_t most = kDay,
                  std::uint64_t least = 1) const {
        auto wide = static_cast<std::uint64_t>(target.count());
        number(key, wide, least, most);
        target = std::chrono::milliseconds(wide);
    }

    template <typename Value>
    void choice(const char* key, Value& target,
                std::initializer_list<std::pair<std::string_view, Value>> values) const {
        const Json* value = find(key);
        if (value == nullptr) {
            return;
        }
        std::string known;
        for (const auto& [name, meaning] : values) {
            if (value->is_string() && value->get_ref<const std::string&>() == name) {
                target = meaning;
                return;
            }
            known += (known.empty() ? "'" : ", '") + std::string(name) + "'";
        }
        refuse("field '" + name_of(key) + "' must be one of " + known);
    }

    std::string name_of(std::string_view key) const {
        return shown_text(path_.empty() ? std::string(key) : path_ + "." + std::string(key));
    }
    const Json& json() const { return json_; }

  private:
    const Json& json_;
    std::string path_;
};

void read_name(const Section& root, Manifest& manifest) {
    manifest.name = root.required_text("name");
    const bool plain = std::all_of(manifest.name.begin(), manifest.name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
    if (!plain || manifest.name.size() > kMaxNameLength) {
        refuse("field 'name' must be at most 64 letters, digits, '-', '_' and '.', and is '" +
               shown_text(manifest.name) + "'");
    }
    manifest.version = root.required_text("version");
    manifest.library = root.required_text("library");
    if (manifest.library.find('/') != std::string::npos) {
        refuse("field 'library' must be a file name in the manifest's folder, and is '" + shown_text(manifest.library) +
               "'");
    }
}

void read_environment(const Section& root, Manifest& manifest) {
    const Json* value = root.find("environment");
    if (value == nullptr) {
        return;
    }
    const Section section(*value, "environment");
    for (const auto& [key, item] : section.json().items()) {
        if (key.empty() || key.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
            refuse("field '" + section.name_of(key) + "' has a name that no variable can have");
        }
        const bool has_zero = item.is_string() && item.get_ref<const std::string&>().find('\0') != std::string::npos;
        if (has_zero || !(item.is_string() || item.is_null())) {
            refuse("field '" + section.name_of(key) +
                   "' must be a text without zero bytes, or null for the server's own value");
        }
        manifest.environment[key] = item.is_null() ? std::nullopt : std::optional(item.get<std::string>());
    }
}

void read_limits(const Section& root, Manifest& manifest) {
    const Json* value = root.find("limits");
    if (value == nullptr) {
        return;
    }
    constexpr std::uint64_t kAny = std::uint64_t{1} << 53;
    constexpr std::uint64_t kLeastMemory = std::uint64_t{16} << 20;
    const Section limits(*value, "limits");
    limits.allow({"payload", "in_flight", "in_flight_bytes", "address_space", "open_files", "file_size", "cpu_seconds",
                  "stack"});
    limits.number("payload", manifest.channel.payload, 1, transport::kMaxPayload);
    limits.number("in_flight", manifest.channel.in_flight, 1, transport::kMaxCallSlots);
    limits.number("in_flight_bytes", manifest.channel.in_flight_bytes, 1, std::uint64_t{64} << 30);
    limits.number("address_space", manifest.process.address_space, kLeastMemory, kAny);
    limits.number("open_files", manifest.process.open_files, 16, 1'000'000);
    limits.number("file_size", manifest.process.file_size, 1, kAny);
    limits.number("cpu_seconds", manifest.process.cpu_seconds, 1, kAny);
    limits.number("stack", manifest.process.stack, std::uint64_t{64} << 10, kAny);
}

void read_recycling(const Section& supervision, Recycling& recycle) {
    const Json* value = supervision.find("recycle");
    if (value == nullptr) {
        return;
    }
    const Section section(*value, supervision.name_of("recycle"));
    section.allow({"calls", "age_ms", "memory"});
    section.number("calls", recycle.calls, 1, std::uint64_t{1} << 53);
    section.duration("age_ms", recycle.age);
    section.number("memory", recycle.memory, std::uint64_t{1} << 20, std::uint64_t{1} << 53);
}

void read_supervision(const Section& root, Manifest& manifest) {
    const Json* value = root.find("supervision");
    if (value == nullptr) {
        return;
    }
    constexpr std::uint32_t kMany = 1'000'000;
    const Section section(*value, "supervision");
    section.allow({"start_ms", "call_ms", "stop_ms", "hang_grace_ms", "watchdog_ms", "policy", "restarts", "within_ms",
                   "sustained_restarts", "sustained_within_ms", "start_attempts", "backoff_ms", "backoff_max_ms",
                   "standby", "retries", "quarantine_deaths", "quarantine_ms", "recycle"});
    Supervision& supervision = manifest.supervision;
    section.duration("start_ms", supervision.start);
    section.duration("call_ms", supervision.call);
    section.duration("stop_ms", supervision.stop);
    section.duration("hang_grace_ms", supervision.hang_grace);
    section.duration("watchdog_ms", supervision.watchdog, kDay, 0);
    section.choice("policy", supervision.restart.rule,
                   {{"permanent", RestartRule::permanent},
                    {"transient", RestartRule::transient},
                    {"temporary", RestartRule::temporary}});
    RestartSettings& restart = supervision.restart;
    section.number("restarts", restart.burst.restarts, 0, kMany);
    section.duration("within_ms", restart.burst.within);
    section.number("sustained_restarts", restart.sustained.restarts, 0, kMany);
    section.duration("sustained_within_ms", restart.sustained.within, 365 * kDay);
    section.number("start_attempts", restart.start_attempts, 0, kMany);
    section.duration("backoff_ms", restart.backoff.first, kDay, 0);
    section.duration("backoff_max_ms", restart.backoff.cap);
    std::uint32_t standby = supervision.standby ? 1 : 0;
    section.number("standby", standby, 0, 1);
    supervision.standby = standby != 0;
    section.number("retries", supervision.retries, 0, 100);
    section.number("quarantine_deaths", supervision.quarantine.deaths, 0, 100);
    section.duration("quarantine_ms", supervision.quarantine.duration);
    read_recycling(section, supervision.recycle);
}

void read_state(const Section& root, Manifest& manifest) {
    const Json* value = root.find("state");
    if (value == nullptr) {
        return;
    }
    const Section section(*value, "state");
    section.allow({"every_calls", "every_ms", "limit", "path", "when_refused"});
    StateKeeping& state = manifest.state;
    section.number("every_calls", state.every_calls, 0, 1'000'000'000);
    section.duration("every_ms", state.every);
    section.number("limit", manifest.channel.state, 1, transport::kMaxState);
    section.choice("when_refused", state.when_refused,
                   {{"clean", RefusedState::start_clean}, {"down", RefusedState::stay_down}});
    if (section.find("path") != nullptr) {
        state.path = (manifest.directory / section.required_text("path")).lexically_normal().string();
    }
}

void read_methods(const Section& root, Manifest& manifest) {
    const Json* value = root.find("methods");
    if (value == nullptr) {
        return;
    }
    const Section methods(*value, "methods");
    for (const auto& [name, item] : methods.json().items()) {
        const Section method(item, methods.name_of(name));
        method.allow({"idempotent"});
        if (const Json* flag = method.find("idempotent")) {
            if (!flag->is_boolean()) {
                refuse("field '" + method.name_of("idempotent") + "' must be true or false");
            }
            manifest.idempotent[name] = flag->get<bool>();
        }
    }
}

Error bad_manifest(const std::string& origin, const std::string& sentence) {
    return Error{ErrorCode::bad_manifest, Effect::none, 0, "manifest " + origin + ": " + sentence, nullptr};
}

}  // namespace

result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& directory,
                                const std::string& origin) {
    std::string cause;
    const std::optional<Json> json = parse_bounded_json(text, cause);
    if (!json) {
        return bad_manifest(origin, "it is not JSON: " + cause);
    }
    try {
        Manifest manifest;
        manifest.text = text;
        manifest.directory = directory;
        const Section root(*json, "");
        root.allow({"name", "version", "library", "config", "environment", "limits", "supervision", "state", "methods",
                    "latency"});
        read_name(root, manifest);
        if (const Json* config = root.find("config")) {
            manifest.config = config->dump();
        }
        read_environment(root, manifest);
        root.choice("latency", manifest.latency,
                    {{"adaptive", Latency::adaptive}, {"spin", Latency::spin}, {"park", Latency::park}});
        read_limits(root, manifest);
        read_supervision(root, manifest);
        read_state(root, manifest);
        read_methods(root, manifest);
        return manifest;
    } catch (const Refusal& refusal) {
        return bad_manifest(origin, refusal.sentence);
    }
}

result<Manifest> parse_manifest(const ManifestText& text) {
    std::error_code error;
    const std::filesystem::path directory = std::filesystem::absolute(text.directory, error);
    return parse_manifest(text.json, error ? text.directory : directory, "given as text");
}

result<Manifest> read_manifest(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::path file = std::filesystem::absolute(path, error);
    if (std::filesystem::is_directory(file, error)) {
        file /= "plugin.json";
    }
    if (!std::filesystem::is_regular_file(file, error)) {  // a pipe would be waited for
        return bad_manifest(file.string(), std::filesystem::exists(file, error) ? "it is not a file"
                                           : error                              ? error.message()
                                                                                : "there is no such file");
    }
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        return bad_manifest(file.string(), "the file cannot be read");
    }
    std::string text(kMaxManifestSize + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kMaxManifestSize) {
        return bad_manifest(file.string(), "it is larger than 1 MiB");
    }
    return parse_manifest(text, file.parent_path(), file.string());
}

}  // namespace bulkhead::detail
