// A manifest with nothing left out, and back.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "manifest_settings.hpp"

namespace bulkhead::detail {
namespace {

using Json = nlohmann::json;

constexpr char kFolder[] = "/somewhere";

// Every member, none at its default.
const Json kSettings = Json::parse(R"({
  "latency": "spin",
  "limits": {"payload": 1000, "in_flight": 7, "in_flight_bytes": 5000, "address_space": 99000000, "open_files": 17,
             "file_size": 18, "cpu_seconds": 19, "stack": 123456},
  "supervision": {"start_ms": 1, "call_ms": 2, "stop_ms": 3, "hang_grace_ms": 4, "watchdog_ms": 5,
                  "policy": "transient", "restarts": 6, "within_ms": 8, "sustained_restarts": 9,
                  "sustained_within_ms": 10, "start_attempts": 11, "backoff_ms": 12, "backoff_max_ms": 13, "standby": 1,
                  "retries": 14, "quarantine_deaths": 15, "quarantine_ms": 16,
                  "recycle": {"calls": 20, "age_ms": 21, "memory": 22000000}},
  "state": {"every_calls": 23, "every_ms": 24, "limit": 25, "when_refused": "down", "path": "/somewhere/else"}})");

Json manifest_with(const Json& settings) {
    Json manifest = {{"name", "one"}, {"version", "1"}, {"library", "libone.so"}};
    manifest.update(settings);
    return manifest;
}

Json settings_of_text(const Json& manifest) {
    const auto parsed = parse_manifest(manifest.dump(), kFolder, "a test's");
    REQUIRE(parsed.has_value());
    return Json::parse(settings_of(*parsed));
}

// The members that the manifest's reader knows of a section, as it lists them when it meets another.
std::string known_members(const Json& settings, const char* section) {
    Json manifest = manifest_with(settings);
    manifest[section]["nonsense"] = 1;
    const auto refused = parse_manifest(manifest.dump(), kFolder, "a test's");
    REQUIRE(refused.has_error());
    return refused.error().message;
}

TEST_CASE("every setting of a manifest is told as it was given") {
    CHECK(settings_of_text(manifest_with(kSettings)) == kSettings);
    for (const char* section : {"limits", "supervision", "state"}) {
        CAPTURE(section);
        const std::string known = known_members(kSettings, section);
        std::string told = "there are";
        const std::string list = known.substr(known.find(told) + told.size());
        for (std::size_t begin = 1; begin < list.size();) {
            const std::size_t end = std::min(list.find(", ", begin), list.size());
            CHECK_MESSAGE(kSettings[section].contains(list.substr(begin, end - begin)),
                          list.substr(begin, end - begin));
            begin = end + 2;
        }
    }
}

TEST_CASE("defaults are told, and stay what they are when they are given") {
    const Json defaults = settings_of_text(manifest_with(Json::object()));
    CHECK(defaults["supervision"]["restarts"] == 5);
    CHECK(defaults["supervision"]["policy"] == "permanent");
    CHECK(defaults["state"]["every_calls"] == 1);
    CHECK(!defaults["limits"].contains("stack"));
    CHECK(settings_of_text(manifest_with(defaults)) == defaults);
}

}  // namespace
}  // namespace bulkhead::detail
