// Handlers: every shape, every type of request and result, and what becomes of exceptions.
#include <doctest/doctest.h>

#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::FakeWorker;

namespace {

struct Base {
    int calls = 0;
    std::string inherited() { return "inherited " + std::to_string(++calls); }
};

struct Shapes : Base {
    std::string member = "kept in the object";

    std::string nothing() { return "nothing"; }
    void silent(std::string_view) {}
    std::string view_to_string(std::string_view request) { return std::string(request) + "!"; }
    std::string_view view_to_view(std::string_view request) const noexcept { return request; }
    std::vector<std::byte> bytes_to_bytes(std::vector<std::byte> request) {
        request.push_back(std::byte{'.'});
        return request;
    }
    std::span<const std::byte> span_to_span(std::span<const std::byte> request) { return request.subspan(1); }
    const std::string& by_reference(const std::string&) const { return member; }
    std::string_view view_of_request(const std::string& request) { return request; }
    std::string with_call(std::string_view request, Call& call) {
        return std::string(request) + "=" + std::string(call.text());
    }
    std::string answered_and_returned(Call& call) {
        call.reply("through the call");
        return "returned";
    }
    void taken_by_move(Call& call) { const Call taken = std::move(call); }

    std::string throws_error() { throw Error(42, "the answer"); }
    std::string throws_standard() { throw std::out_of_range("no such shelf"); }
    std::string throws_number() { throw 5; }
    void throws_with_call(Call) { throw Error(43, "before answering"); }
    void throws_after_taking(Call call) {
        const Call mine = std::move(call);
        throw Error(44, "lost");
    }
    void throws_after_answer(Call& call) {
        call.reply("answered");
        throw Error(45, "too late to tell");
    }
};

std::string free_function(std::string_view request) { return "free " + std::string(request); }

void raw_function(void* instance, bulkhead_call* call, bulkhead_bytes request) {
    const auto& self = *static_cast<Instance<Shapes>*>(instance);
    self.services.table().reply(call, request.data, request.size);
}

constexpr auto methods = make_methods<Shapes>(
    method<&Shapes::inherited>("inherited"), method<&Shapes::nothing>("nothing"), method<&Shapes::silent>("silent"),
    method<&Shapes::view_to_string>("view_to_string"), method<&Shapes::view_to_view>("view_to_view"),
    method<&Shapes::bytes_to_bytes>("bytes_to_bytes"), method<&Shapes::span_to_span>("span_to_span"),
    method<&Shapes::by_reference>("by_reference"), method<&Shapes::view_of_request>("view_of_request"),
    method<&Shapes::with_call>("with_call"), method<&Shapes::answered_and_returned>("answered_and_returned"),
    method<&Shapes::taken_by_move>("taken_by_move"), method<&Shapes::throws_error>("throws_error"),
    method<&Shapes::throws_standard>("throws_standard"), method<&Shapes::throws_number>("throws_number"),
    method<&Shapes::throws_with_call>("throws_with_call"), method<&Shapes::throws_after_taking>("throws_after_taking"),
    method<&Shapes::throws_after_answer>("throws_after_answer"), method<&free_function>("free_function"),
    method<&raw_function>("raw_function"));
constexpr auto table = make_table<Shapes>("shapes", "1", methods);

struct Fixture {
    FakeWorker worker{&table};
    Fixture() { REQUIRE(worker.create() == 0); }

    void check_error(std::string_view method, std::int32_t number, std::string_view text) {
        CAPTURE(method);
        const auto call = worker.start(method, "");
        const Answer answer = call->wait();
        CHECK(answer.kind == Answer::Kind::error);
        CHECK(answer.number == number);
        CHECK(answer.text == text);
        CHECK(call->answers() == 1);
    }
    void check_log(std::string_view text) {
        const auto log = testing::FakeLog::take();
        REQUIRE(log.size() == 1);
        CHECK(log[0].level == BULKHEAD_LOG_ERROR);
        CHECK(log[0].text == text);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "handlers take and return bytes as strings, views, spans and vectors") {
    CHECK(worker.call("nothing", "ignored").text == "nothing");
    CHECK(worker.call("silent", "ignored").text.empty());
    CHECK(worker.call("view_to_string", "hi").text == "hi!");
    CHECK(worker.call("view_to_view", "same").text == "same");
    CHECK(worker.call("bytes_to_bytes", "abc").text == "abc.");
    CHECK(worker.call("span_to_span", "abc").text == "bc");
    CHECK(worker.call("by_reference").text == "kept in the object");
    CHECK(worker.call("with_call", "a").text == "a=a");
}

TEST_CASE_FIXTURE(Fixture, "a result may refer to the request, in whatever type that was taken") {
    const std::string text(1000, 't');
    CHECK(worker.call("view_to_view", text).text == text);
    CHECK(worker.call("view_of_request", text).text == text);
}

TEST_CASE_FIXTURE(Fixture, "an empty request is a request") {
    CHECK(worker.call("view_to_string", "").text == "!");
    CHECK(worker.call("bytes_to_bytes", "").text == ".");
}

TEST_CASE_FIXTURE(Fixture, "a plugin class may inherit its methods, and all share one object") {
    CHECK(worker.call("inherited").text == "inherited 1");
    CHECK(worker.call("inherited").text == "inherited 2");
}

TEST_CASE_FIXTURE(Fixture, "free functions and functions of the C ABI are methods too") {
    CHECK(worker.call("free_function", "lunch").text == "free lunch");
    CHECK(worker.call("raw_function", "raw").text == "raw");
}

TEST_CASE_FIXTURE(Fixture, "a handler that answered through its call has answered, whatever it returns") {
    const auto call = worker.start("answered_and_returned", "");
    CHECK(call->wait().text == "through the call");
    CHECK(call->answers() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a call that a handler moves away and drops fails, once") {
    check_error("taken_by_move", kUnspecified, "dropped without an answer");
}

TEST_CASE_FIXTURE(Fixture, "an exception fails the call and the plugin goes on") {
    check_error("throws_error", 42, "the answer");
    check_error("throws_standard", kUnspecified, "no such shelf");
    check_error("throws_number", kUnspecified, "unknown exception");
    CHECK(worker.call("nothing").text == "nothing");
}

TEST_CASE_FIXTURE(Fixture, "an exception answers a call that is still the handler's parameter") {
    check_error("throws_with_call", 43, "before answering");
}

TEST_CASE_FIXTURE(Fixture, "an exception after the call was taken over is logged, and the call does not wait in vain") {
    testing::FakeLog::take();
    check_error("throws_after_taking", kUnspecified, "dropped without an answer");
    check_log("lost");
}

TEST_CASE_FIXTURE(Fixture, "an exception after the answer is logged and changes nothing") {
    testing::FakeLog::take();
    const auto call = worker.start("throws_after_answer", "");
    CHECK(call->wait().text == "answered");
    CHECK(call->answers() == 1);
    check_log("too late to tell");
}

TEST_CASE_FIXTURE(Fixture, "an answer over the payload limit goes to the worker, which says so") {
    CHECK(worker.call("view_to_view", "too long", {.payload_limit = 3}).kind == Answer::Kind::too_large);
}
