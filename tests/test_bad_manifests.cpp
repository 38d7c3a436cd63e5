// Law 9: a manifest that cannot be right is refused in one sentence that names file, field and cause.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/outcomes.hpp"
#include "support/refusals.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

using Json = nlohmann::json;

struct BadField {
    Json changes;                         // to a good manifest
    std::vector<std::string_view> words;  // of the sentence
};

const std::vector<BadField> kBadFields = {
    {{{"name", nullptr}}, {"'name'", "missing"}},
    {{{"name", ""}}, {"'name'", "not empty"}},
    {{{"name", 7}}, {"'name'", "text"}},
    {{{"name", "a/b"}}, {"'name'", "a/b"}},
    {{{"name", "white space"}}, {"'name'", "white space"}},
    {{{"name", std::string(65, 'x')}}, {"'name'", "64"}},
    {{{"version", nullptr}}, {"'version'", "missing"}},
    {{{"version", Json::array()}}, {"'version'", "text"}},
    {{{"library", nullptr}}, {"'library'", "missing"}},
    {{{"library", "../libfaulty.so"}}, {"'library'", "file name", "../libfaulty.so"}},
    {{{"library", "/lib/libc.so.6"}}, {"'library'", "file name"}},
    {{{"libary", "x"}}, {"'libary'", "not known"}},
    {{{"limits", 1}}, {"'limits'", "object"}},
    {{{"limits", {{"paylaod", 1}}}}, {"'limits.paylaod'", "not known"}},
    {{{"limits", {{"payload", 0}}}}, {"'limits.payload'", "whole number", "1", "0"}},
    {{{"limits", {{"payload", -1}}}}, {"'limits.payload'", "-1"}},
    {{{"limits", {{"payload", 1.5}}}}, {"'limits.payload'", "1.5"}},
    {{{"limits", {{"payload", "1 MiB"}}}}, {"'limits.payload'", "1 MiB"}},
    {{{"limits", {{"payload", (1ULL << 30) + 1}}}}, {"'limits.payload'", "1073741824"}},
    {{{"limits", {{"in_flight", 0}}}}, {"'limits.in_flight'"}},
    {{{"limits", {{"in_flight", 5000}}}}, {"'limits.in_flight'", "4096"}},
    {{{"limits", {{"in_flight_bytes", 0}}}}, {"'limits.in_flight_bytes'"}},
    {{{"limits", {{"address_space", 1}}}}, {"'limits.address_space'"}},
    {{{"limits", {{"open_files", 3}}}}, {"'limits.open_files'", "16"}},
    {{{"limits", {{"file_size", true}}}}, {"'limits.file_size'", "true"}},
    {{{"limits", {{"cpu_seconds", 0}}}}, {"'limits.cpu_seconds'"}},
    {{{"limits", {{"stack", 1}}}}, {"'limits.stack'"}},
    {{{"supervision", Json::array()}}, {"'supervision'", "object"}},
    {{{"supervision", {{"start", 1}}}}, {"'supervision.start'", "not known"}},
    {{{"supervision", {{"start_ms", 0}}}}, {"'supervision.start_ms'", "whole number"}},
    {{{"supervision", {{"call_ms", "1s"}}}}, {"'supervision.call_ms'", "1s"}},
    {{{"supervision", {{"stop_ms", 1e9}}}}, {"'supervision.stop_ms'"}},
    {{{"supervision", {{"hang_grace_ms", -5}}}}, {"'supervision.hang_grace_ms'", "-5"}},
    {{{"supervision", {{"restarts", -1}}}}, {"'supervision.restarts'", "-1"}},
    {{{"supervision", {{"within_ms", false}}}}, {"'supervision.within_ms'", "false"}},
    {{{"environment", "A=b"}}, {"'environment'", "object"}},
    {{{"environment", {{"A", 1}}}}, {"'environment.A'", "text"}},
    {{{"environment", {{"A=B", "c"}}}}, {"'environment.A=B'"}},
    {{{"environment", {{"", "c"}}}}, {"'environment.'"}},
    {{{"methods", Json::array({"echo"})}}, {"'methods'", "object"}},
    {{{"methods", {{"echo", true}}}}, {"'methods.echo'", "object"}},
    {{{"methods", {{"echo", {{"idempotent", 1}}}}}}, {"'methods.echo.idempotent'", "true or false"}},
    {{{"methods", {{"echo", {{"safe", true}}}}}}, {"'methods.echo.safe'", "not known"}},
};

void check_refused(Host& host, const PluginFolder& folder, const std::vector<std::string_view>& words) {
    const Error error = refusal_of(host, folder.path());
    CHECK(error.code == ErrorCode::bad_manifest);
    CHECK(error.effect == Effect::none);
    check_sentence(error.message, {"manifest", (folder.path() / "plugin.json").string()});
    for (const std::string_view word : words) {
        CHECK_MESSAGE(contains(error.message, word), "'" << word << "' is not in: " << error.message);
    }
}

TEST_CASE("every field that cannot be right is named, with what it should be") {
    Host host = make_host();
    for (const BadField& bad : kBadFields) {
        CAPTURE(bad.changes.dump());
        PluginFolder folder("faulty");
        // Not merged by the folder: an empty name or a null must stay.
        Json manifest = {{"name", "faulty"}, {"version", "1.0.0"}, {"library", "libfaulty.so"}};
        for (const auto& [key, value] : bad.changes.items()) {
            if (value.is_null()) {
                manifest.erase(key);
            } else {
                manifest[key] = value;
            }
        }
        folder.write_manifest(manifest.dump());
        check_refused(host, folder, bad.words);
    }
    CHECK(host.plugins().empty());
}

TEST_CASE("a manifest that is not JSON, not an object, too deep or too large is refused") {
    Host host = make_host();
    PluginFolder folder("faulty");
    const auto check = [&](const std::string& text, const std::vector<std::string_view>& words) {
        folder.write_manifest(text);
        check_refused(host, folder, words);
    };
    check("", {"not JSON"});
    check("{", {"not JSON"});
    check("{\"name\": \"a\",}", {"not JSON"});
    check("[1, 2]", {"object"});
    check("null", {"object"});
    check(std::string(100'000, '['), {"not JSON"});
    check("{\"config\": " + std::string(200, '[') + std::string(200, ']') + "}", {"not JSON"});
    check("{\"name\": \"\xff\xfe\"}", {"not JSON"});
    check("{\"config\": \"" + std::string(2 << 20, 'x') + "\"}", {"1 MiB"});
    check(std::string(1000, '\0'), {"not JSON"});
}

TEST_CASE("a manifest that is not there, or is a folder, is refused") {
    Host host = make_host();
    const ScratchFolder scratch;
    for (const auto& path : {scratch.path() / "nowhere", scratch.path(), scratch.path() / "plugin.json"}) {
        const Error error = refusal_of(host, path);
        CHECK(error.code == ErrorCode::bad_manifest);
        check_sentence(error.message, {"manifest", path.string()});
    }
    std::filesystem::create_directory(scratch.path() / "plugin.json");
    CHECK(refusal_of(host, scratch.path()).code == ErrorCode::bad_manifest);
}

TEST_CASE("a manifest can be named by its folder or by itself, relative or absolute") {
    Host host = make_host();
    const PluginFolder folder("greeter");
    for (const auto& path : {folder.path(), folder.path() / "plugin.json", std::filesystem::relative(folder.path())}) {
        CHECK(load(host, path).name() == "greeter");
        CHECK(host.unload("greeter").has_value());
    }
}

}  // namespace
}  // namespace bulkhead::tests
