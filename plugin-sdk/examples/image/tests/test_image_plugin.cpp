// What the plugin says to wrong requests and configs.
#include <doctest/doctest.h>

#include <chrono>

#include "image_support/encoders.hpp"
#include "image_support/images.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"
#include "support/until.hpp"

namespace bulkhead::tests {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

TEST_CASE("a wrong request is an error with a number, and its text names the field") {
    const ImageService service;
    const Images images(service.plugin());
    const Session& session = images.session();
    const json handle = images.open(photograph())["handle"];
    const std::string hexadecimal = "16 hexadecimal digits, as 'open' gave them";

    CHECK(failure(session, "mirror", json::array()) == "1: the request must be a JSON object, and is []");
    CHECK(failure(session, "mirror", json::object()) ==
          "1: field 'handle' must be " + hexadecimal + ", and is missing");
    CHECK(failure(session, "mirror", {{"handle", 7}}) == "1: field 'handle' must be " + hexadecimal + ", and is 7");
    CHECK(failure(session, "mirror", {{"handle", "000000000000000g"}}) ==
          "1: field 'handle' must be " + hexadecimal + ", and is \"000000000000000g\"");
    CHECK(failure(session, "mirror", {{"handle", std::string(1000, 'x')}}).size() < 200);
    CHECK(failure(session, "blur", {{"handle", handle}}) == "1: field 'radius' must be a whole number, and is missing");
    CHECK(failure(session, "blur", {{"handle", handle}, {"radius", 1.5}}) ==
          "1: field 'radius' must be a whole number, and is 1.5");
    CHECK(failure(session, "blur", {{"handle", handle}, {"radius", "8"}}) ==
          "1: field 'radius' must be a whole number, and is \"8\"");
    CHECK(failure(session, "blur", {{"handle", handle}, {"radius", -1}}) == "1: the radius is -1; it can be 0 to 1000");
    CHECK(failure(session, "blur", {{"handle", handle}, {"radius", 1001}}) ==
          "1: the radius is 1001; it can be 0 to 1000");
    CHECK(failure(session, "blur", {{"handle", handle}, {"radius", 1ULL << 63}}) ==
          "1: the radius is 9223372036854775808; it can be 0 to 1000");
    CHECK(failure(session, "blur", {{"handle", handle}, {"radius", INT64_MIN}}) ==
          "1: the radius is -9223372036854775808; it can be 0 to 1000");
    CHECK(failure(session, "open_file", {{"path", "photo.jpg"}}) ==
          "1: field 'path' must be an absolute path, and is \"photo.jpg\"");
    CHECK(failure(session, "open_file", {{"path", std::string("/etc\0/x", 7)}}) ==
          "1: field 'path' must be an absolute path, and is \"/etc\\u0000/x\"");
    CHECK(failure(session, "open_file", {{"path", "/nowhere/photo.jpg"}}) ==
          "2: cannot open '/nowhere/photo.jpg': No such file or directory");
    CHECK(failure(session, "save_file", {{"handle", handle}, {"path", "/nowhere/photo.png"}}) ==
          "2: cannot write '/nowhere/photo.png': No such file or directory");
    CHECK(failure(session.call("open", "hello")) == "3: the 5 bytes are neither a JPEG nor a PNG");
    CHECK(failure(session.call("open", photograph().substr(0, 30'000))) ==
          "4: the JPEG is damaged: Premature end of JPEG file");
    CHECK(failure(session, "destroy", {{"handle", "0000000000000000"}}) == "7: handle 0000000000000000 is none");
    CHECK(failure(session, "crash", json::object()) ==
          "9: crashing on request is not enabled; the config field 'debug_crash' does that");
    // All that harmed nobody.
    CHECK(images.call("info", {{"handle", handle}})["width"] == 512);
    CHECK(service.deaths().all().empty());
}

TEST_CASE("the limits of the config hold") {
    const ImageService service(json{{"max_pixels", 307'200}, {"max_images", 2}, {"max_bytes", 1'900'000}});
    const Images images(service.plugin());
    CHECK(failure(images.session().call("open", encode_png(noise(600, 600, 1, 1)))) ==
          "5: the image is 600 by 600 pixels; at most 307200 pixels and 65500 on a side are allowed");
    const json handle = images.open(photograph())["handle"];
    CHECK(images.session().call("open", photograph()).has_value());
    CHECK(failure(images.session().call("open", photograph())) == "6: 2 images are open, and no more are allowed");
    CHECK(failure(images.session(), "blur", {{"handle", handle}, {"radius", 1}}) ==
          "6: there is no room for 921600 bytes beside the 1843200 of open images; 1900000 are allowed");
}

TEST_CASE("a config that cannot be is refused in one sentence") {
    Host host = make_host();
    const auto refusal = [&host](const json& config) {
        const PluginFolder folder("image", {{"config", config}});
        const auto plugin = host.load(folder.path());
        REQUIRE(plugin.has_error());
        return plugin.error().message;
    };
    CHECK(contains(refusal({{"max_pixels", 0}}),
                   "config field 'max_pixels' must be a whole number from 1 to 1000000000, and is 0"));
    CHECK(contains(refusal({{"max_images", 5000}}),
                   "config field 'max_images' must be a whole number from 1 to 1024, and is 5000"));
    CHECK(contains(refusal({{"debug_crash", "yes"}}),
                   "config field 'debug_crash' must be true or false, and is \"yes\""));
}

TEST_CASE("images that nobody uses make room for others after a time") {
    const ImageService service(json{{"max_images", 2}, {"idle_ms", 1}});
    const Images images(service.plugin());
    const std::string png = encode_png(noise(4, 4, 1, 1));
    const json forgotten = images.open(png)["handle"];
    // At the latest when both places are taken and the older one has not been used for a millisecond.
    CHECK(eventually([&] {
        return images.session().call("open", png).has_value() &&
               failure(images.session(), "info", {{"handle", forgotten}}) ==
                   "7: handle " + forgotten.get<std::string>() + " was destroyed";
    }));
}

TEST_CASE("a caller that gives up does not keep the worker busy") {
    const ImageService service;
    const Images images(service.plugin());
    const std::string large = encode_png_as({0, 8}, 6'000, 6'000, std::string(36'000'000, 'x'));
    CallOptions brief;
    brief.timeout = 20ms;
    const auto outcome = images.session().call("open", large, brief);
    // A machine fast enough to be in time has done nothing wrong.
    CHECK((outcome.has_value() || outcome.error().code == ErrorCode::timed_out));
    CHECK(images.call("status", json::object())["images"] <= 1);
    CHECK(service.deaths().all().empty());
}

}  // namespace
}  // namespace bulkhead::tests
