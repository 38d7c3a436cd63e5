// Reading the order to a worker.
#include <doctest/doctest.h>

#include "order.hpp"

namespace bulkhead::worker::test {
namespace {

TEST_CASE("an order is read with all it says") {
    const auto order = parse_order(R"({"plugin": "checksum", "version": "1.0.0", "directory": "/srv/plugins/checksum",
        "library": "libchecksum.so", "dependencies": ["liba.so"], "config": "{\"a\":1}", "environment": {"TZ": "UTC"},
        "limits": {"address_space": 1, "open_files": 2, "file_size": 3, "cpu_seconds": 4, "stack": 5}})");
    REQUIRE(order.has_value());
    CHECK(order->plugin == "checksum");
    CHECK(order->version == "1.0.0");
    CHECK(order->directory == "/srv/plugins/checksum");
    CHECK(order->library == "libchecksum.so");
    CHECK(order->dependencies == std::vector<std::string>{"liba.so"});
    CHECK(order->config == R"({"a":1})");
    CHECK(order->environment.at("TZ") == "UTC");
    CHECK(order->limits.address_space == 1);
    CHECK(order->limits.open_files == 2);
    CHECK(order->limits.file_size == 3);
    CHECK(order->limits.cpu_seconds == 4);
    CHECK(order->limits.stack == 5);
}

TEST_CASE("what an order does not say has its default") {
    const auto order = parse_order(R"({"plugin": "p", "directory": "/", "library": "l.so"})");
    REQUIRE(order.has_value());
    CHECK(order->config == "{}");
    CHECK(order->dependencies.empty());
    CHECK(order->environment.empty());
    CHECK(order->limits.open_files == 0);
}

TEST_CASE("an order that cannot be read says why") {
    for (const char* text : {"", "{", "[]", R"({"plugin": "p"})", R"({"plugin": 1, "directory": "/", "library": "l"})",
                             R"({"plugin": "p", "directory": "/", "library": "l", "limits": []})"}) {
        CAPTURE(text);
        const auto order = parse_order(text);
        REQUIRE_FALSE(order.has_value());
        CHECK(order.error().sentence.starts_with("the order to its worker cannot be read: "));
    }
}

}  // namespace
}  // namespace bulkhead::worker::test
