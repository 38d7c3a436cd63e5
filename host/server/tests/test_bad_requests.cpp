// Clients that are wrong, slow, or hostile.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "image_support/picture.hpp"
#include "server_support/resize_server.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("a wrong request is told what is wrong, by status and sentence") {
    const ResizeServer server;
    const auto says = [](const Response& response, unsigned status, std::string_view text) {
        INFO(response.body());
        CHECK(response.status == status);
        CHECK(contains(response.json()["message"].get<std::string>(), text));
    };
    const std::uint16_t port = server.port();
    says(post(port, "/blur", photograph()), 400, "the query must have a whole number 'radius', as in /blur?radius=8");
    says(post(port, "/blur?radius=much", photograph()), 400, "a whole number 'radius'");
    says(post(port, "/blur?radius=99999999999", photograph()), 400, "a whole number 'radius'");
    says(post(port, "/blur?radius=-1", photograph()), 422, "the radius is -1; it can be 0 to 1000");
    says(post(port, "/blur?radius=1001", photograph()), 422, "the radius is 1001; it can be 0 to 1000");
    says(post(port, "/mirror", "hello"), 415, "the 5 bytes are neither a JPEG nor a PNG");
    says(post(port, "/mirror", ""), 415, "there is no image, only 0 bytes");
    says(post(port, "/mirror", photograph().substr(0, 20'000)), 422, "the JPEG is damaged: Premature end of JPEG file");
    says(get(port, "/nothing"), 404, "GET / lists what there is");
    says(post(port, "/debug/crash", "x"), 404, "there is nothing at this path");
    const Response wrong_method = get(port, "/mirror");
    says(wrong_method, 405, "this path answers to POST only");
    CHECK(wrong_method.header("Allow") == "POST");
    CHECK(get(port, "/stats").json()["plugin"]["deaths"] == 0);
}

TEST_CASE("a plugin whose handle is no text is answered for, and the connection serves on") {
    const ResizeServer server({"--plugin", built_plugin("odd_handle").string()});
    HttpClient client(server.port());
    for (int round = 0; round < 2; ++round) {
        const Response response = client.post("/mirror", photograph());
        REQUIRE(response.status == 500);
        CHECK(response.json()["message"] == "plugin image: 'open' gave no handle");
    }
}

TEST_CASE("HEAD is answered without a body, and the connection serves on") {
    const ResizeServer server;
    HttpClient client(server.port());
    for (const char* path : {"/", "/nothing", "/mirror"}) {
        const Response response = client.head(path);
        CHECK(response.status == (std::string(path) == "/nothing" ? 404 : 405));
        CHECK(response.header("Content-Length") != "0");
        CHECK(client.get("/health").status == 200);
    }
}

TEST_CASE("a picture with more pixels than the plugin takes is 413") {
    const ResizeServer server;
    const Picture black{8000, 7000, 1, std::vector<std::uint8_t>(std::size_t{8000} * 7000)};
    const Response response = post(server.port(), "/mirror", encode_png(black));
    CHECK(response.status == 413);
    CHECK(contains(response.body(), "the image is 8000 by 7000 pixels"));
}

TEST_CASE("a body over the limit is 413, whether it was announced or not") {
    const ResizeServer server({"--max-body", "10000"});
    HttpClient announced(server.port());
    REQUIRE(announced.send(post_header("/mirror", 10'001)));
    CHECK(announced.read().status == 413);
    CHECK(post(server.port(), "/mirror", std::string(3'000'000, 'x')).status == 413);

    HttpClient chunked(server.port());
    REQUIRE(chunked.send("POST /mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    static_cast<void>(chunked.send("4000\r\n" + std::string(0x4000, 'x') + "\r\n"));
    CHECK(chunked.read().status == 413);
    CHECK(chunked.sees_end());
    CHECK(server.serves());
}

TEST_CASE("what is not HTTP is 400, and a huge header 431") {
    const ResizeServer server;
    HttpClient garbage(server.port());
    REQUIRE(garbage.send("\x16\x03\x01 hello\r\n\r\n"));
    CHECK(garbage.read().status == 400);
    CHECK(garbage.sees_end());
    HttpClient boundless(server.port());
    REQUIRE(boundless.send("GET / HTTP/1.1\r\nHost: " + std::string(20'000, 'x')));
    CHECK(boundless.read().status == 431);
    CHECK(server.serves());
}

TEST_CASE("garbage of all sizes is refused, and the plugin lives") {
    const ResizeServer server;
    std::mt19937 random(1);
    HttpClient client(server.port());
    for (const std::size_t size : {1U, 2U, 10U, 1'000U, 100'000U, 3'000'000U}) {
        std::string body(size, '\0');
        for (char& byte : body) {
            byte = static_cast<char>(random());
        }
        CHECK(client.post("/mirror", body).status == 415);
        body.replace(0, std::min<std::size_t>(size, 4), std::string("\xFF\xD8\xFF\xE0").substr(0, size));
        const unsigned status = client.post("/blur?radius=3", body).status;
        CHECK((status == 422 || status == 415 || status == 413));
    }
    CHECK(get(server.port(), "/stats").json()["plugin"]["deaths"] == 0);
}

TEST_CASE("clients that go away half-way or dawdle cost nobody anything") {
    const ResizeServer server({"--header-ms", "300", "--body-ms", "300", "--idle-ms", "300"});
    std::vector<std::string> beginnings = {"", "POST", "POST /mirror HTTP/1.1\r\nHost: x\r\n",
                                           post_header("/mirror", 1'000'000),
                                           post_header("/mirror", 1'000'000) + photograph()};
    for (const std::string& beginning : beginnings) {
        HttpClient gone(server.port());
        static_cast<void>(gone.send(beginning));
        gone.hang_up();
    }
    for (const std::string& beginning : beginnings) {
        HttpClient slow(server.port());
        static_cast<void>(slow.send(beginning));
        CHECK(slow.sees_end());
    }
    CHECK(server.await_figure("/connections", 1));  // the one that asks
    CHECK(post(server.port(), "/mirror", photograph()).status == 200);
}

}  // namespace
}  // namespace bulkhead::tests
