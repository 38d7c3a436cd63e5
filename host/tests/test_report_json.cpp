#include "bulkhead/host/report_json.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/sample_report.hpp"

namespace bulkhead {
namespace {

using Json = nlohmann::json;

// The sentence that the JSON is refused with.
std::string refusal(const Json& json) {
    const auto report = report_from_json(json);
    REQUIRE_FALSE(report.has_value());
    CHECK(report.error().code == ErrorCode::invalid_argument);
    return report.error().message;
}

TEST_CASE("a report that went through JSON says the same") {
    const Report before = testing::sample_report();
    const auto after = report_from_json(Json::parse(to_json(before).dump()));
    REQUIRE_MESSAGE(after.has_value(), after.error().message);
    CHECK(after->text() == before.text());
    CHECK(to_json(*after) == to_json(before));
    CHECK(after->uptime == before.uptime);
    CHECK(after->running_trace == before.running_trace);
    CHECK(after->crash->code == before.crash->code);
}

TEST_CASE("so does one of which little is known, for every cause") {
    for (int cause = 0; cause <= static_cast<int>(Cause::policy_violation); ++cause) {
        Report before;
        before.id = "a-1-00000000";
        before.cause = static_cast<Cause>(cause);
        const auto after = report_from_json(to_json(before));
        REQUIRE_MESSAGE(after.has_value(), after.error().message);
        CHECK(after->text() == before.text());
        CHECK(to_json(*after) == to_json(before));
    }
}

TEST_CASE("and for every phase") {
    for (const Phase phase : {Phase::starting, Phase::standing_by, Phase::serving, Phase::stopping}) {
        Report before = testing::sample_report();
        before.phase = phase;
        const auto after = report_from_json(to_json(before));
        REQUIRE_MESSAGE(after.has_value(), after.error().message);
        CHECK(after->phase == phase);
    }
}

TEST_CASE("programs find in a report what they look for") {
    const Json json = to_json(testing::sample_report());
    CHECK(json["signal_name"] == "SIGSEGV");
    CHECK(json["phase"] == "serving");
    CHECK(json["running"]["method"] == "resize");
    CHECK(json["running"]["trace"] == std::string(16, 'a').replace(0, 16, "abababababababababababababababab"));
    CHECK(json["crash"]["fault_address"] == 16);
    CHECK(json["crash"]["module"] == "libresizer.so");
    CHECK(json["backtrace"][0]["line"] == 42);
    CHECK_FALSE(json["backtrace"][1].contains("function"));
    CHECK(json["replay_command"] == "bulkhead replay /var/lib/reports/resizer-3-5f2c91ab.repro");
}

TEST_CASE("JSON that is no report is refused with the member's name") {
    CHECK(refusal(Json::array()) == "it is no report: it is no JSON object");
    CHECK(refusal(Json::object()) == "it is no report: its member 'id' is missing");
    const auto spoilt = [](const char* pointer, const Json& value) {
        Json json = to_json(testing::sample_report());
        json[Json::json_pointer(pointer)] = value;
        return refusal(json);
    };
    CHECK(spoilt("/cause", "boredom") == "it is no report: its member 'cause' is none that there is");
    CHECK(spoilt("/cause", 1) == "it is no report: its member 'cause' is no text");
    CHECK(spoilt("/phase", "sleeping") == "it is no report: its member 'phase' is none that there is");
    CHECK(spoilt("/life", -1) == "it is no report: its member 'life' is out of range");
    CHECK(spoilt("/life", 1.5) == "it is no report: its member 'life' is no whole number");
    CHECK(spoilt("/signal", std::int64_t{1} << 40) == "it is no report: its member 'signal' is out of range");
    CHECK(spoilt("/uptime_ms", 1e300) == "it is no report: its member 'uptime_ms' is out of range");
    CHECK(spoilt("/time", "now") == "it is no report: its member 'time' is no time");
    CHECK(spoilt("/running", 1) == "it is no report: 'running' is no JSON object");
    CHECK(spoilt("/running/trace", "xyz") ==
          "it is no report: its member 'running.trace' is not 32 hexadecimal digits");
    CHECK(spoilt("/crash/registers", "rip") == "it is no report: its member 'crash.registers' is no list");
    CHECK(spoilt("/crash/modules/0", 7) == "it is no report: 'crash.modules' is no JSON object");
    CHECK(spoilt("/last_lines/1", 7) == "it is no report: its member 'last_lines' is no list of texts");
}

TEST_CASE("members that another version wrote are passed over") {
    Json json = to_json(testing::sample_report());
    json["mood"] = "bad";
    CHECK(report_from_json(json).has_value());
}

}  // namespace
}  // namespace bulkhead
