// What the server is for.
#include <doctest/doctest.h>

#include <thread>

#include "image_support/picture.hpp"
#include "server_support/resize_server.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("a photograph comes back as a PNG, blurred or mirrored") {
    const ResizeServer server;
    const Response plain = post(server.port(), "/blur?radius=0", photograph());
    REQUIRE(plain.status == 200);
    CHECK(plain.header("Content-Type") == "image/png");
    const Picture original = decode_png(plain.body());
    CHECK(original.width == 512);
    CHECK(original.height == 600);

    const Response blurred = post(server.port(), "/blur?radius=8", photograph());
    REQUIRE(blurred.status == 200);
    CHECK(variance(decode_png(blurred.body())) < 0.95 * variance(original));

    const Response turned = post(server.port(), "/mirror?radius=8", photograph());  // which means nothing here
    REQUIRE(turned.status == 200);
    CHECK(decode_png(turned.body()) == mirrored(original));
    // And a PNG goes in as well.
    const Response back = post(server.port(), "/mirror", turned.body());
    REQUIRE(back.status == 200);
    CHECK(decode_png(back.body()) == original);
}

TEST_CASE("one connection carries many requests, and a body may come after 100 Continue") {
    const ResizeServer server;
    HttpClient client(server.port());
    CHECK(client.get("/").body().starts_with("resize-server: JPEG or PNG in, PNG out"));
    CHECK(client.get("/health").json()["status"] == "ok");
    CHECK(client.post("/mirror", photograph()).status == 200);
    std::string header = post_header("/mirror", photograph().size());
    header.insert(header.size() - 2, "Expect: 100-continue\r\n");
    REQUIRE(client.send(header));
    CHECK(client.read().status == 100);
    REQUIRE(client.send(photograph()));
    CHECK(client.read().status == 200);
    // Both at once: the second is answered after the first.
    REQUIRE(client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(client.read().header("Content-Type") == "application/json");
    CHECK(client.read().header("Content-Type") == "text/plain; charset=utf-8");
}

TEST_CASE("concurrent requests get each its own picture") {
    const ResizeServer server;
    constexpr int kClients = 8;
    std::vector<Response> responses(kClients);
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([&, i] {
            const auto side = static_cast<std::uint32_t>(20 + i);
            const std::string png = encode_png(noise(side, side, 3, side));
            HttpClient client(server.port());
            for (int turn = 0; turn < 5; ++turn) {
                responses[static_cast<std::size_t>(i)] = client.post("/mirror", png);
            }
        });
    }
    for (std::thread& client : clients) {
        client.join();
    }
    for (int i = 0; i < kClients; ++i) {
        const Response& response = responses[static_cast<std::size_t>(i)];
        REQUIRE(response.status == 200);
        const auto side = static_cast<std::uint32_t>(20 + i);
        CHECK(decode_png(response.body()) == mirrored(noise(side, side, 3, side)));
    }
    const nlohmann::json stats = get(server.port(), "/stats").json();
    CHECK(stats["answers"]["200"] == kClients * 5);
    CHECK(stats["plugin"]["deaths"] == 0);
}

}  // namespace
}  // namespace bulkhead::tests
