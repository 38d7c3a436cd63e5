#include "manifest.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

const std::string kOrigin = "/plugins/resizer/plugin.json";

Json smallest() { return {{"name", "resizer"}, {"version", "2.1"}, {"library", "libresizer.so"}}; }

// The smallest manifest with one field more or another one; `field` is a JSON pointer.
std::string with(const std::string& field, const Json& value) {
    Json json = smallest();
    json[Json::json_pointer(field)] = value;
    return json.dump();
}

result<Manifest> parse(const std::string& text) { return parse_manifest(text, "/plugins/resizer", kOrigin); }

Manifest accepted(const std::string& text) {
    CAPTURE(text);
    auto manifest = parse(text);
    REQUIRE_MESSAGE(manifest.has_value(), (manifest ? "" : manifest.error().message));
    return *std::move(manifest);
}

// The sentence that refuses it, which names the file and all of `expected`.
std::string refused(const std::string& text, const std::vector<std::string>& expected) {
    CAPTURE(text);
    const auto manifest = parse(text);
    REQUIRE_FALSE(manifest.has_value());
    CHECK(manifest.error().code == ErrorCode::bad_manifest);
    CHECK(manifest.error().effect == Effect::none);
    const std::string sentence = manifest.error().message;
    CAPTURE(sentence);
    CHECK(sentence.find("manifest " + kOrigin + ": ") == 0);
    for (const std::string& part : expected) {
        CAPTURE(part);
        CHECK(sentence.find(part) != std::string::npos);
    }
    return sentence;
}

TEST_CASE("the smallest manifest gets the defaults") {
    const Manifest manifest = accepted(smallest().dump());
    CHECK(manifest.name == "resizer");
    CHECK(manifest.version == "2.1");
    CHECK(manifest.library == "libresizer.so");
    CHECK(manifest.directory == "/plugins/resizer");
    CHECK(manifest.config == "{}");
    CHECK(manifest.environment.empty());
    CHECK(manifest.idempotent.empty());
    CHECK(manifest.channel.payload == 16 << 20);
    CHECK(manifest.channel.in_flight == 256);
    CHECK(manifest.process.address_space == 0);
    CHECK(manifest.process.cpu_seconds == 0);
    CHECK(manifest.supervision.start == 10s);
    CHECK(manifest.supervision.call == 30s);
    CHECK(manifest.supervision.stop == 2s);
    CHECK(manifest.supervision.hang_grace == 1s);
    CHECK(manifest.supervision.restart.burst.restarts == 5);
    CHECK(manifest.supervision.restart.burst.within == 10s);
}

TEST_CASE("the fields that every manifest has cannot be missing, empty or something else") {
    for (const std::string field : {"name", "version", "library"}) {
        Json json = smallest();
        json.erase(field);
        refused(json.dump(), {"'" + field + "'", "missing"});
        for (const Json& wrong : {Json(""), Json(7), Json(nullptr), Json::array(), Json::object(), Json(true)}) {
            refused(with("/" + field, wrong), {"'" + field + "'", "must be a text"});
        }
    }
}

TEST_CASE("a name is made of characters that are safe in a file name and a log") {
    for (const std::string& name : std::vector<std::string>{"a", "Resizer-2_x.y", std::string(64, 'n')}) {
        CHECK(accepted(with("/name", name)).name == name);
    }
    for (const std::string& name :
         std::vector<std::string>{"a b", "a/b", "\xc3\xa4", "a\nb", "a:b", std::string(65, 'n')}) {
        refused(with("/name", name), {"'name'"});
    }
}

TEST_CASE("a library is a file in the manifest's own folder") {
    for (const std::string library : {"/lib/libc.so.6", "../other/lib.so", "sub/lib.so"}) {
        refused(with("/library", library), {"'library'", library});
    }
}

TEST_CASE("a text with a zero in it would be cut, so it is refused") {
    const std::string cut("a\0b", 3);
    refused(with("/library", cut), {"'library'"});
    refused(with("/version", cut), {"'version'"});
    refused(with("/environment/TZ", cut), {"environment"});
    Json json = smallest();
    json["environment"] = Json::object();
    json["environment"][cut] = "UTC";
    refused(json.dump(), {"environment"});
}

TEST_CASE("a field that there is not is refused by its whole name") {
    refused(with("/libary", "x"), {"'libary'", "not known"});
    refused(with("/limits", {{"memory", 1}}), {"'limits.memory'", "not known"});
    refused(with("/supervision", {{"start", 1}}), {"'supervision.start'", "not known"});
    refused(with("/methods", {{"resize", {{"idempotant", true}}}}), {"'methods.resize.idempotant'", "not known"});
}

TEST_CASE("a section that is no object is refused") {
    for (const std::string section : {"environment", "limits", "supervision", "methods"}) {
        for (const Json& wrong : {Json(1), Json("x"), Json::array({1}), Json(nullptr)}) {
            refused(with("/" + section, wrong), {"'" + section + "'", "object"});
        }
    }
    refused(with("/methods", {{"resize", true}}), {"'methods.resize'", "object"});
}

TEST_CASE("the config is anything, and reaches the plugin as JSON text") {
    for (const Json& config : {Json(7), Json(nullptr), Json("text"), Json{{"depth", {1, 2}}}}) {
        CHECK(Json::parse(accepted(with("/config", config)).config) == config);
    }
}

TEST_CASE("the environment has texts, and null for the server's own") {
    const Manifest manifest = accepted(with("/environment", {{"TZ", "UTC"}, {"HOME", nullptr}, {"EMPTY", ""}}));
    REQUIRE(manifest.environment.size() == 3);
    CHECK(manifest.environment.at("TZ") == "UTC");
    CHECK(manifest.environment.at("EMPTY") == "");
    CHECK_FALSE(manifest.environment.at("HOME").has_value());
    for (const Json& wrong : {Json(1), Json(true), Json::array(), Json::object()}) {
        refused(with("/environment", {{"TZ", wrong}}), {"'environment.TZ'"});
    }
    refused(with("/environment", {{"A=B", "x"}}), {"'environment.A=B'", "a name that no variable can have"});
    refused(with("/environment", {{"", "x"}}), {"environment", "a name that no variable can have"});
    refused(with("/environment", {{"TZ", std::string("a\0b", 3)}}), {"'environment.TZ'", "without zero bytes"});
}

TEST_CASE("latency is one of three words, and adaptive when nothing is said") {
    CHECK(accepted(smallest().dump()).latency == Latency::adaptive);
    CHECK(accepted(with("/latency", "adaptive")).latency == Latency::adaptive);
    CHECK(accepted(with("/latency", "spin")).latency == Latency::spin);
    CHECK(accepted(with("/latency", "park")).latency == Latency::park);
    for (const Json& wrong : {Json("fast"), Json(1), Json(nullptr), Json("")}) {
        refused(with("/latency", wrong), {"field 'latency' must be one of 'adaptive', 'spin', 'park'"});
    }
}

TEST_CASE("a method can be declared idempotent or not") {
    const Manifest manifest = accepted(with(
        "/methods", {{"resize", {{"idempotent", true}}}, {"count", {{"idempotent", false}}}, {"x", Json::object()}}));
    CHECK(manifest.idempotent == std::map<std::string, bool>{{"resize", true}, {"count", false}});
    for (const Json& wrong : {Json(1), Json("true"), Json(nullptr)}) {
        refused(with("/methods", {{"resize", {{"idempotent", wrong}}}}),
                {"'methods.resize.idempotent'", "true or false"});
    }
}

// A field that is a whole number, its range, and where it goes.
struct NumberField {
    const char* section;
    const char* name;
    std::uint64_t least;
    std::uint64_t most;
    std::uint64_t (*value_in)(const Manifest& manifest);
};

constexpr std::uint64_t kDay = 24 * 3600 * 1000;
constexpr std::uint64_t kAny = std::uint64_t{1} << 53;

template <typename Duration>
std::uint64_t count(Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::milliseconds(duration).count());
}

const NumberField kNumberFields[] = {
    {"limits", "payload", 1, std::uint64_t{1} << 30, [](const Manifest& m) { return m.channel.payload; }},
    {"limits", "in_flight", 1, 4096, [](const Manifest& m) -> std::uint64_t { return m.channel.in_flight; }},
    {"limits", "in_flight_bytes", 1, std::uint64_t{64} << 30,
     [](const Manifest& m) { return m.channel.in_flight_bytes; }},
    {"limits", "address_space", 16 << 20, kAny, [](const Manifest& m) { return m.process.address_space; }},
    {"limits", "open_files", 16, 1'000'000, [](const Manifest& m) { return m.process.open_files; }},
    {"limits", "file_size", 1, kAny, [](const Manifest& m) { return m.process.file_size; }},
    {"limits", "cpu_seconds", 1, kAny, [](const Manifest& m) { return m.process.cpu_seconds; }},
    {"limits", "stack", 64 << 10, kAny, [](const Manifest& m) { return m.process.stack; }},
    {"supervision", "start_ms", 1, kDay, [](const Manifest& m) { return count(m.supervision.start); }},
    {"supervision", "call_ms", 1, kDay, [](const Manifest& m) { return count(m.supervision.call); }},
    {"supervision", "stop_ms", 1, kDay, [](const Manifest& m) { return count(m.supervision.stop); }},
    {"supervision", "hang_grace_ms", 1, kDay, [](const Manifest& m) { return count(m.supervision.hang_grace); }},
    {"supervision", "within_ms", 1, kDay, [](const Manifest& m) { return count(m.supervision.restart.burst.within); }},
    {"supervision", "restarts", 0, 1'000'000,
     [](const Manifest& m) -> std::uint64_t { return m.supervision.restart.burst.restarts; }},
};

TEST_CASE("a number is taken over up to both ends of its range") {
    for (const NumberField& field : kNumberFields) {
        CAPTURE(field.name);
        for (const std::uint64_t value : {field.least, field.least + 1, field.most - 1, field.most}) {
            const Manifest manifest = accepted(with("/" + std::string(field.section), {{field.name, value}}));
            CHECK(field.value_in(manifest) == value);
        }
    }
}

TEST_CASE("a number beyond its range, and anything that is no whole number, is refused with the range") {
    for (const NumberField& field : kNumberFields) {
        const std::string name = std::string(field.section) + "." + field.name;
        std::vector<Json> wrong = {-1,
                                   1.5,
                                   1e300,
                                   "16",
                                   true,
                                   nullptr,
                                   Json::array({1}),
                                   Json::object(),
                                   field.most + 1,
                                   ~std::uint64_t{0},
                                   INT64_MIN};
        if (field.least > 0) {
            wrong.emplace_back(field.least - 1);
        }
        for (const Json& value : wrong) {
            refused(with("/" + std::string(field.section), {{field.name, value}}),
                    {"'" + name + "'", std::to_string(field.least), std::to_string(field.most)});
        }
    }
}

TEST_CASE("every manifest that is accepted makes a channel") {
    for (const std::uint64_t payload : {std::uint64_t{1}, std::uint64_t{1} << 30}) {
        for (const std::uint64_t calls : {1, 4096}) {
            for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{64} << 30}) {
                const Manifest manifest =
                    accepted(with("/limits", {{"payload", payload}, {"in_flight", calls}, {"in_flight_bytes", bytes}}));
                CHECK(transport::plan_geometry(manifest.channel));
            }
        }
    }
}

TEST_CASE("what is not a JSON object is refused") {
    for (const std::string text : {"", "{", "[]", "7", "null", "\"x\"", "{\"name\": }"}) {
        refused(text, {});
    }
    refused("not json", {"it is not JSON"});
    refused("[1]", {"must be a JSON object"});
}

TEST_CASE("a manifest that nests too deep is refused for that") {
    const std::string config = std::string(100, '[') + std::string(100, ']');
    refused(R"({"name": "a", "version": "1", "library": "b", "config": )" + config + "}",
            {"it nests deeper than 64 levels"});
}

TEST_CASE("a refusal stays one short line, whatever the field holds") {
    const std::string long_text(100'000, 'x');
    for (const std::string& text :
         {with("/limits", {{"payload", long_text}}), with("/name", long_text), with("/library", "/" + long_text),
          with("/a\nb", 1), with("/limits", {{"\x1b[2J", 1}}), with("/" + long_text, 1),
          with("/environment", {{"A\nB", 1}})}) {
        const std::string sentence = refused(text, {});
        CHECK(sentence.size() < 500);
        CHECK(sentence.find_first_of("\n\x1b") == std::string::npos);
    }
}

}  // namespace
}  // namespace bulkhead::detail
