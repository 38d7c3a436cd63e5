// The greeter greets.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "bulkhead/plugin/testing/fake_worker.hpp"

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::FakeWorker;

TEST_CASE("the greeter answers with a greeting that nobody has to free") {
    FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    CHECK(worker.call("greet", "Ada").text == "Hello, Ada!");
    const std::string long_name(10'000, 'x');
    CHECK(worker.call("greet", long_name).text == "Hello, " + long_name + "!");
}

TEST_CASE("a greeting without a name fails with number 1 and says why") {
    FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    const Answer answer = worker.call("greet", "");
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.number == 1);
    CHECK(answer.text == "a greeting needs a name");
    CHECK(worker.call("greet", "Bob").text == "Hello, Bob!");
}
