#include <doctest/doctest.h>

#include "bulkhead/plugin/testing/fake_worker.hpp"

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::FakeWorker;

namespace {

struct Fixture {
    FakeWorker worker{bulkhead_plugin()};
    Fixture() { REQUIRE(worker.create() == 0); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "echo and echo_in_place answer with the request") {
    for (const auto* method : {"echo", "echo_in_place"}) {
        for (const std::size_t size : {0u, 1u, 100u, 100'000u}) {
            const std::string request(size, 'e');
            CHECK(worker.call(method, request).text == request);
        }
        CHECK(worker.method(method).flags == BULKHEAD_METHOD_IDEMPOTENT);
    }
}

TEST_CASE_FIXTURE(Fixture, "big_reply answers with a pattern of the wanted size") {
    CHECK(worker.call("big_reply", "0").text.empty());
    const std::string text = worker.call("big_reply", "1000").text;
    REQUIRE(text.size() == 1000);
    for (std::size_t i = 0; i < text.size(); ++i) {
        REQUIRE(static_cast<unsigned char>(text[i]) == i % 251);
    }
    CHECK(worker.call("big_reply", "1000", {.payload_limit = 999}).kind == Answer::Kind::error);
}

TEST_CASE_FIXTURE(Fixture, "too_big replies with more than the limit") {
    CHECK(worker.call("too_big", "1000", {.payload_limit = 999}).kind == Answer::Kind::too_large);
}

TEST_CASE_FIXTURE(Fixture, "fail fails with the number and text it is given") {
    const Answer answer = worker.call("fail", "-5 out of order");
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.number == -5);
    CHECK(answer.text == "out of order");
    CHECK(worker.call("fail", "7").text.empty());
}

TEST_CASE_FIXTURE(Fixture, "throw becomes a failure with the exception's text") {
    const Answer answer = worker.call("throw", "thrown on purpose");
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.number == 1);
    CHECK(answer.text == "thrown on purpose");
}

TEST_CASE_FIXTURE(Fixture, "deadline tells when the caller stops waiting") {
    CHECK(worker.call("deadline").text == "0");
    CHECK(worker.call("deadline", "", {.deadline = 98765}).text == "98765");
}

TEST_CASE_FIXTURE(Fixture, "count counts its calls, from one in each life") {
    CHECK(worker.call("count").text == "1");
    CHECK(worker.call("count").text == "2");
    FakeWorker next(bulkhead_plugin());
    REQUIRE(next.create() == 0);
    CHECK(next.call("count").text == "1");
}

TEST_CASE_FIXTURE(Fixture, "answer_later answers each call, from another thread") {
    std::vector<std::shared_ptr<bulkhead_call>> calls;
    for (int i = 0; i < 100; ++i) {
        calls.push_back(worker.start("answer_later", std::to_string(i)));
    }
    for (std::size_t i = 0; i < calls.size(); ++i) {
        CHECK(calls[i]->wait().text == std::to_string(i));
        CHECK(calls[i]->answers() == 1);
    }
}

TEST_CASE_FIXTURE(Fixture, "never_answer keeps its calls until the plugin ends") {
    const auto call = worker.start("never_answer", "");
    CHECK(worker.call("echo", "others go on").text == "others go on");
    CHECK_FALSE(call->answered());
    worker.destroy();
    CHECK(call->answers() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a method that needs a number says so") {
    const Answer answer = worker.call("big_reply", "many");
    CHECK(answer.number == 2);
    CHECK(answer.text == "big_reply needs a number, not \"many\"");
    for (const auto* request : {"", " 1", "1 ", "-1", "99999999999999999999"}) {
        CHECK(worker.call("big_reply", request).number == 2);
    }
}
