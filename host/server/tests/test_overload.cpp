// More than the server can do at once.
#include <doctest/doctest.h>

#include <future>
#include <list>

#include "image_support/picture.hpp"
#include "server_support/resize_server.hpp"
#include "support/until.hpp"

namespace bulkhead::tests {
namespace {

std::future<Response> post_meanwhile(const ResizeServer& server, const std::string& target) {
    return std::async(std::launch::async, [port = server.port(), target] { return post(port, target, photograph()); });
}

TEST_CASE("jobs wait for their turn, and those that find the queue full are told to come back") {
    const ResizeServer server({"--jobs", "1", "--waiting", "1", "--job-ms", "30000"});
    Frozen worker(server.worker());
    auto first = post_meanwhile(server, "/mirror");
    REQUIRE(server.await_figure("/jobs/free_slots", 0));
    auto second = post_meanwhile(server, "/mirror");
    REQUIRE(server.await_figure("/jobs/waiting", 1));
    const Response third = post(server.port(), "/mirror", photograph());
    CHECK(third.status == 503);
    CHECK(third.header("Retry-After") == "1");
    CHECK(third.json()["error"] == "overloaded");
    worker.thaw();
    CHECK(first.get().status == 200);
    CHECK(second.get().status == 200);
}

TEST_CASE("a job that the plugin does not end in time is 504") {
    const ResizeServer server({"--jobs", "1", "--job-ms", "300"});
    const Frozen worker(server.worker());
    const Response response = post(server.port(), "/blur?radius=8", photograph());
    CHECK(response.status == 504);
    CHECK(response.json()["error"] == "timed_out");
}

TEST_CASE("connections over the limit are told so, and served when others have gone") {
    const ResizeServer server({"--max-connections", "5"});
    std::list<HttpClient> clients;
    for (int i = 0; i < 5; ++i) {
        clients.emplace_back(server.port());
        REQUIRE(clients.back().get("/health").status == 200);
    }
    HttpClient one_too_many(server.port());
    const Response refused = one_too_many.get("/health");
    CHECK(refused.status == 503);
    CHECK(refused.header("Retry-After") == "1");
    CHECK(one_too_many.sees_end());
    clients.pop_front();
    CHECK(eventually([&] { return get(server.port(), "/health").status == 200; }));
}

TEST_CASE("hundreds of connections at once are answered or hung up on, and none is forgotten") {
    const ResizeServer server({"--max-connections", "50"});
    std::list<HttpClient> clients;
    for (int i = 0; i < 300; ++i) {
        clients.emplace_back(server.port());
    }
    int served = 0;
    for (HttpClient& client : clients) {
        served += client.get("/health").status == 200 ? 1 : 0;
    }
    CHECK(served >= 50);
    clients.clear();
    CHECK(server.await_figure("/connections", 1));
    CHECK(server.serves());
}

}  // namespace
}  // namespace bulkhead::tests
