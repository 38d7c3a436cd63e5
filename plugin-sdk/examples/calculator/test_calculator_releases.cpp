// Two releases of one plugin in one server.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <bulkhead/host/host.hpp>
#include <nlohmann/json.hpp>

using namespace bulkhead;

namespace {

Host make_host() {
    HostOptions options;
    options.worker = BULKHEAD_WORKER_EXECUTABLE;
    auto host = Host::create(std::move(options));
    REQUIRE_MESSAGE(host.has_value(), host.error().message);
    return *std::move(host);
}

Plugin load(Host& host, const char* folder) {
    auto plugin = host.load(folder);
    REQUIRE_MESSAGE(plugin.has_value(), plugin.error().message);
    return *std::move(plugin);
}

int calculate(const Plugin& plugin, int number) {
    const auto reply = plugin.call_json("calculate", number);
    REQUIRE_MESSAGE(reply.has_value(), reply.error().message);
    return reply->get<int>();
}

}  // namespace

TEST_CASE("a server replaces release 1 by release 2 under the same name") {
    Host host = make_host();
    const Plugin first = load(host, CALCULATOR_1);
    CHECK(first.version() == "1.0.0");
    CHECK(calculate(first, 21) == 42);
    REQUIRE(host.unload("calculator").has_value());
    const Plugin second = load(host, CALCULATOR_2);
    CHECK(second.version() == "2.0.0");
    CHECK(calculate(second, 21) == 63);
    CHECK(first.call("calculate", "21").error().code == ErrorCode::stopped);
}

TEST_CASE("both releases run side by side, each in a host of its own") {
    Host one = make_host();
    Host two = make_host();
    const Plugin first = load(one, CALCULATOR_1);
    const Plugin second = load(two, CALCULATOR_2);
    for (int number = -3; number <= 3; ++number) {
        CHECK(calculate(first, number) == 2 * number);
        CHECK(calculate(second, number) == 3 * number);
    }
}
