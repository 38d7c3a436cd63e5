// How the server starts and ends.
#include <doctest/doctest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <bulkhead/host/host.hpp>
#include <future>

#include "image_jobs.hpp"
#include "image_support/picture.hpp"
#include "options.hpp"
#include "routes.hpp"
#include "server.hpp"
#include "server_support/resize_server.hpp"
#include "support/places.hpp"
#include "support/processes.hpp"

namespace bulkhead::tests {
namespace {

using server::Options;

TEST_CASE("SIGINT and SIGTERM end an idle server at once, whoever is connected") {
    for (const int signal : {SIGINT, SIGTERM}) {
        ResizeServer server({"--stop-ms", "60000"});
        HttpClient idle(server.port());
        CHECK(idle.get("/health").status == 200);
        HttpClient silent(server.port());
        const pid_t worker = server.worker();
        server.signal(signal);
        CHECK(idle.sees_end());
        CHECK(server.await_end() == "exit 0");
        CHECK(await_gone(worker));
    }
}

TEST_CASE("a request under way is finished before the server ends") {
    ResizeServer server({"--stop-ms", "60000"});
    Frozen worker(server.worker());
    auto job = std::async(std::launch::async, [&] { return post(server.port(), "/mirror", photograph()); });
    REQUIRE(server.await_figure("/plugin/in_flight", 1));
    HttpClient other(server.port());
    REQUIRE(other.get("/").status == 200);
    server.signal(SIGTERM);
    CHECK(other.sees_end());  // the signal has come
    worker.thaw();
    const Response response = job.get();
    CHECK(response.status == 200);
    CHECK(response.header("Connection") == "close");
    CHECK(server.await_end() == "exit 0");
}

TEST_CASE("a connection that comes together with the signal does not keep the server") {
    Host host = Host::create(host_options()).value();
    Options options;
    options.port = 0;
    options.limits.idle = options.limits.stop_time = 10 * kPatience;
    boost::asio::io_context context(1);
    server::ImageJobs jobs(context.get_executor(), host.load(built_plugin("image")).value(), options.limits);
    server::Routes routes(jobs, false);
    server::Server server(context, options, routes);
    server.start();
    context.poll();
    // Heard in this order: the signal; the first client, who is taken; the second, who is found at once after that and
    // taken only when the signal has been acted on.
    REQUIRE(::raise(SIGTERM) == 0);
    const HttpClient first(server.port());
    const HttpClient second(server.port());
    context.run_for(kPatience);
    CHECK(context.stopped());
}

TEST_CASE("a request that does not end is cut after --stop-ms, and at once by a second signal") {
    for (const bool second_signal : {false, true}) {
        ResizeServer server({"--stop-ms", second_signal ? "60000" : "100"});
        const Frozen worker(server.worker());
        HttpClient half_sent(server.port());
        REQUIRE(half_sent.send(post_header("/mirror", 1'000'000) + photograph()));
        auto job = std::async(std::launch::async, [&] { return post(server.port(), "/mirror", photograph()); });
        REQUIRE(server.await_figure("/plugin/in_flight", 1));
        HttpClient other(server.port());
        REQUIRE(other.get("/").status == 200);
        server.signal(SIGTERM);
        CHECK(other.sees_end());
        if (second_signal) {
            server.signal(SIGTERM);
        }
        CHECK(job.get().status == 0);
        CHECK(half_sent.sees_end());
        CHECK(server.await_end() == "exit 0");
    }
}

TEST_CASE("what keeps the server from starting is one sentence") {
    const auto complaint = [](std::vector<std::string> arguments, const std::string& end) {
        Program program(BULKHEAD_RESIZE_SERVER, arguments);
        CHECK(program.await_end() == end);
        return program.output();
    };
    CHECK(complaint({"--radius", "8"}, "exit 2") ==
          "resize-server: unknown argument '--radius'; resize-server --help lists them\n");
    CHECK(complaint({"--port", "70000"}, "exit 2") ==
          "resize-server: --port must be a whole number from 0 to 65535, and is '70000'\n");
    CHECK(complaint({"--port"}, "exit 2") == "resize-server: --port needs a value\n");
    CHECK(complaint({"--plugin", "/nowhere"}, "exit 1") ==
          "resize-server: the image plugin was not found (looked for /nowhere/plugin.json); name its folder with "
          "--plugin\n");
    CHECK(complaint({"--help"}, "exit 0").starts_with("usage: resize-server [--port N]"));
    ResizeServer server;
    const std::string taken = std::to_string(server.port());
    CHECK(complaint({"--port", taken}, "exit 1") ==
          "resize-server: cannot listen on 127.0.0.1 port " + taken + ": Address already in use\n");
    CHECK(complaint({"--address", "nowhere", "--port", "0"}, "exit 1") ==
          "resize-server: cannot listen on nowhere port 0: Invalid argument\n");
}

}  // namespace
}  // namespace bulkhead::tests
