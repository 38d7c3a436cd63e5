// Payloads from nothing to the limit, and traces.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/outcomes.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

// A text in which each place has another byte than its neighbours at usual distances.
std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t at = 0; at < size; ++at) {
        text[at] = static_cast<char>(at % 251);
    }
    return text;
}

constexpr std::size_t kLimit = 1 << 20;

TEST_CASE("payloads of every size come back as they went, up to the limit exactly") {
    Service service("faulty", merged(kEndlessRestarts, {{"limits", {{"payload", kLimit}}}}));
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{24}, std::size_t{25}, std::size_t{72}, std::size_t{73},
          std::size_t{87}, std::size_t{88}, std::size_t{89}, std::size_t{255}, std::size_t{256}, std::size_t{257},
          std::size_t{4095}, std::size_t{4096}, std::size_t{4097}, kLimit - 1, kLimit}) {
        CAPTURE(size);
        const std::string request = pattern(size);
        for (const char* method : {"echo", "echo_in_place", "answer_later"}) {
            CAPTURE(method);
            const auto answer = service.plugin().call(method, request);
            REQUIRE_MESSAGE(answer.has_value(), sentence(answer));
            CHECK((answer->text() == request));
        }
        const auto built = service.plugin().call("big_reply", std::to_string(size));
        REQUIRE_MESSAGE(built.has_value(), sentence(built));
        CHECK((built->text() == request));
    }
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("one byte over the limit is too large, for requests and for replies") {
    Service service("faulty", merged(kEndlessRestarts, {{"limits", {{"payload", kLimit}}}}));
    const auto request = service.plugin().call("echo", pattern(kLimit + 1));
    CHECK(summary(request) == "too_large/none");
    CHECK(contains(sentence(request), "plugin faulty: call 'echo'"));
    CHECK(contains(sentence(request), std::to_string(kLimit + 1)));
    CHECK(contains(sentence(request), "limits.payload of " + std::to_string(kLimit)));

    const auto reply = service.plugin().call("too_big", std::to_string(kLimit + 1));
    CHECK(summary(reply) == "too_large/unknown");
    CHECK(contains(sentence(reply), "reply"));
    CHECK(contains(sentence(reply), "limits.payload of " + std::to_string(kLimit)));
    CHECK(summary(service.plugin().call("echo", "x")) == "ok: x");
    CHECK(service.plugin().stats().failed(ErrorCode::too_large) == 2);
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("a plugin whose limit is below what a slot holds keeps to its limit") {
    Service service("faulty", merged(kEndlessRestarts, {{"limits", {{"payload", 10}}}}));
    CHECK(summary(service.plugin().call("echo", "0123456789")) == "ok: 0123456789");
    CHECK(summary(service.plugin().call("echo", "0123456789a")) == "too_large/none");
    CHECK(summary(service.plugin().call("too_big", "11")) == "too_large/unknown");
    // Errors of the plugin are cut rather than lost.
    const auto failed = service.plugin().call("throw", "too long");
    CHECK(summary(failed) == "plugin_failed/unknown");
}

TEST_CASE("large replies that are kept by their callers do not stop the others") {
    Service service("faulty",
                    merged(kEndlessRestarts, {{"limits", {{"payload", kLimit}, {"in_flight_bytes", 4 * kLimit}}}}));
    std::vector<Bytes> kept;
    for (int call = 0; call < 50; ++call) {
        auto answer = service.plugin().call("big_reply", std::to_string(kLimit));
        REQUIRE_MESSAGE(answer.has_value(), sentence(answer));
        kept.push_back(*std::move(answer));
    }
    const std::string expected = pattern(kLimit);
    for (const Bytes& bytes : kept) {
        CHECK((bytes.text() == expected));
    }
}

TEST_CASE("a trace id arrives with payloads of every size, and only where there is one") {
    Witness witness;
    CallOptions options;
    options.trace = TraceId{0x00, 0x01, 0x7F, 0x80, 0xFF, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xAB};
    for (const std::size_t size : {0, 1, 72, 73, 88, 89, 5000}) {
        CAPTURE(size);
        CHECK(summary(witness.plugin().call("trace", pattern(size), options)) ==
              "ok: 00017f80ff05060708090a0b0c0d0eab");
        CHECK(summary(witness.plugin().call("trace", pattern(size))) == "ok: none");
        CHECK((summary(witness.plugin().call("note", std::string(size, 'n'), options)) ==
               "ok: " + std::string(size, 'n')));
    }
}

TEST_CASE("JSON goes both ways, and what is no JSON is the plugin's failure") {
    Service service;
    const nlohmann::json value = {{"text", "häß"}, {"numbers", {1, -2, 3.5}}, {"nothing", nullptr}};
    const auto answer = service.plugin().call_json("echo", value);
    REQUIRE(answer.has_value());
    CHECK(*answer == value);
    const auto wrong = service.plugin().call_json("crash_in_thread", nullptr);
    REQUIRE(wrong.has_error());
    CHECK(wrong.error().code == ErrorCode::plugin_failed);
    CHECK(contains(wrong.error().message, "plugin faulty: call 'crash_in_thread' did not answer with JSON"));
    nlohmann::json deep = 1;
    for (int level = 0; level < 70; ++level) {
        deep = nlohmann::json::array({std::move(deep)});
    }
    const auto too_deep = service.plugin().call_json("echo", deep);
    REQUIRE(too_deep.has_error());
    CHECK(too_deep.error().code == ErrorCode::plugin_failed);
    const nlohmann::json odd = {{"text", "h\xE4\xDF"}};  // Latin-1
    for (const auto& refused :
         {service.plugin().call_json("echo", odd), service.plugin().session().call_json("echo", odd)}) {
        REQUIRE(refused.has_error());
        CHECK(refused.error().code == ErrorCode::invalid_argument);
        CHECK(contains(refused.error().message, "plugin faulty: call 'echo' was not made"));
    }
}

#ifdef __SANITIZE_THREAD__
constexpr std::size_t kGiga = std::size_t{1} << 28;  // it looks at each byte, so a quarter has to do
#else
constexpr std::size_t kGiga = std::size_t{1} << 30;
#endif

TEST_CASE("a gigabyte goes through a plugin that allows it") {
    Service service("checksum", {{"limits", {{"payload", kGiga}, {"in_flight_bytes", kGiga}}}});
    const std::string request(kGiga, '\x01');
    CallOptions patient;
    patient.timeout = std::chrono::seconds(150);
    const auto answer = service.plugin().call("checksum", request, patient);
    REQUIRE_MESSAGE(answer.has_value(), sentence(answer));
    CHECK(answer->size() >= 4);
}

}  // namespace
}  // namespace bulkhead::tests
