// libFuzzer target: whatever the text, a manifest is accepted with every value in its range, or refused in one line
// that names the file; and the JSON reader agrees with the library behind it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bounded_json.hpp"
#include "manifest.hpp"

namespace {

using namespace bulkhead::detail;

constexpr std::string_view kOrigin = "/p/plugin.json";

// What stands before and behind the input.
struct Place {
    std::string_view before;
    std::string_view behind;
};

constexpr Place kPlaces[] = {
    {"", ""},
    {R"({"version":"1","library":"l","name":)", "}"},
    {R"({"name":"n","library":"l","version":)", "}"},
    {R"({"name":"n","version":"1","library":)", "}"},
    {R"({"name":"n","version":"1","library":"l",)", "}"},
    {R"({"name":"n","version":"1","library":"l","config":)", "}"},
    {R"({"name":"n","version":"1","library":"l","environment":)", "}"},
    {R"({"name":"n","version":"1","library":"l","environment":{"TZ":)", "}}"},
    {R"({"name":"n","version":"1","library":"l","methods":{"m":{"idempotent":)", "}}}"},
    {R"({"name":"n","version":"1","library":"l","limits":{"payload":)", "}}"},
    {R"({"name":"n","version":"1","library":"l","limits":{"in_flight":1,"in_flight_bytes":)", "}}"},
    {R"({"name":"n","version":"1","library":"l","limits":{"cpu_seconds":2,)", "}}"},
    {R"({"name":"n","version":"1","library":"l","supervision":{"restarts":)", "}}"},
    {R"({"name":"n","version":"1","library":"l","supervision":{"start_ms":1,)", "}}"},
};

void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "this must never be: %s\n", what);
        std::abort();
    }
}

void check_json(std::string_view text) {
    std::string cause;
    const auto value = parse_bounded_json(text, cause);
    require(value ? nlohmann::json::accept(text) : !cause.empty(), "a refusal without a cause, or nonsense accepted");
    const bool too_deep = cause.find("nests deeper") != std::string::npos;
    require(value || too_deep || !nlohmann::json::accept(text), "good JSON refused");
}

void check_accepted(const Manifest& manifest) {
    require(!manifest.name.empty() && manifest.name.size() <= 64, "a name that is none");
    require(!manifest.library.empty() && manifest.library.find('/') == std::string::npos, "a library elsewhere");
    require(!manifest.version.empty(), "no version");
    require(bulkhead::transport::plan_geometry(manifest.channel).has_value(), "limits that make no channel");
    require(nlohmann::json::accept(manifest.config), "a config that is not JSON");
    require(manifest.supervision.start.count() > 0 && manifest.supervision.call.count() > 0 &&
                manifest.supervision.stop.count() > 0 && manifest.supervision.hang_grace.count() > 0,
            "a duration that is none");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const Place& place = kPlaces[data[0] % std::size(kPlaces)];
    std::string text(place.before);
    text.append(reinterpret_cast<const char*>(data) + 1, size - 1).append(place.behind);
    check_json(text);
    const auto manifest = parse_manifest(text, "/p", std::string(kOrigin));
    if (manifest) {
        check_accepted(*manifest);
        return 0;
    }
    const std::string& sentence = manifest.error().message;
    require(manifest.error().code == bulkhead::ErrorCode::bad_manifest, "another code than bad_manifest");
    require(sentence.find("manifest " + std::string(kOrigin) + ": ") == 0, "a sentence that does not name the file");
    require(sentence.find_first_of("\n\x1b") == std::string::npos, "a sentence of several lines");
    return 0;
}
