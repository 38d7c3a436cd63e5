// A crash of the plugin costs the requests that were at it, and no other.
#include <doctest/doctest.h>
#include <signal.h>

#include <future>
#include <set>

#include "image_support/picture.hpp"
#include "server_support/resize_server.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("a crash is 503 with the report's id, the log has the report, and the next request works") {
    ResizeServer server({"--debug"});
    std::set<std::string> reports;
    for (int crash = 0; crash < 5; ++crash) {
        const Response response = post(server.port(), "/debug/crash", "");
        CHECK(response.status == 503);
        CHECK(response.header("Retry-After") == "1");
        CHECK(response.json()["error"] == "crashed");
        const std::string report = response.json()["report"];
        CHECK(report.starts_with("image-" + std::to_string(crash + 1) + "-"));
        CHECK(response.header("X-Report") == report);
        CHECK(reports.insert(report).second);
        CHECK(post(server.port(), "/mirror", photograph()).status == 200);
        static_cast<void>(server.program().await_line("  report " + report));
    }
    CHECK(get(server.port(), "/stats").json()["plugin"]["deaths"] == 5);
}

TEST_CASE("a worker killed in the middle of a job fails that job, with the report's id") {
    const ResizeServer server;
    const pid_t pid = server.worker();
    const Frozen worker(pid);
    auto job = std::async(std::launch::async, [&] { return post(server.port(), "/mirror", photograph()); });
    REQUIRE(server.await_figure("/plugin/in_flight", 1));
    REQUIRE(::kill(pid, SIGKILL) == 0);
    const Response response = job.get();
    // It had begun, or it was given to the next worker.
    CHECK((response.status == 503 || response.status == 200));
    if (response.status == 503) {
        CHECK(response.json()["report"].get<std::string>().starts_with("image-1-"));
    }
    CHECK(post(server.port(), "/mirror", photograph()).status == 200);
}

TEST_CASE("while one client crashes the plugin again and again, every other request is answered") {
    const ResizeServer server({"--debug"});
    auto crashes = std::async(std::launch::async, [&] {
        HttpClient client(server.port());
        int crashed = 0;
        for (int i = 0; i < 15; ++i) {
            crashed += client.post("/debug/crash", "").status == 503 ? 1 : 0;
        }
        return crashed;
    });
    HttpClient client(server.port());
    int served = 0;
    int lost = 0;
    for (int i = 0; i < 60; ++i) {
        const Response response = client.post("/mirror", photograph());
        const bool told = response.status == 503 && response.json().contains("report");
        served += response.status == 200 ? 1 : 0;
        lost += told ? 1 : 0;
    }
    CHECK(crashes.get() == 15);
    CHECK(served + lost == 60);
    CHECK(post(server.port(), "/mirror", photograph()).status == 200);
}

}  // namespace
}  // namespace bulkhead::tests
