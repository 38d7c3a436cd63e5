// The whole job on a real photograph, through a real host.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "image_support/encoders.hpp"
#include "image_support/images.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

using nlohmann::json;

double mean(const Picture& picture, std::uint32_t channel) {
    double sum = 0;
    for (std::size_t i = channel; i < picture.samples.size(); i += picture.channels) {
        sum += picture.samples[i];
    }
    return sum / (static_cast<double>(picture.samples.size()) / picture.channels);
}

TEST_CASE("the photograph is opened, blurred, mirrored, saved and destroyed") {
    const ImageService service;
    const Images images(service.plugin());
    const json opened = images.open(photograph());
    CHECK(opened["width"] == 512);
    CHECK(opened["height"] == 600);
    CHECK(opened["channels"] == 3);
    const json handle = opened["handle"];
    const Picture original = images.saved(handle);
    CHECK(original.width == 512);
    CHECK(original.height == 600);
    CHECK(original.channels == 3);

    CHECK(images.call("mirror", {{"handle", handle}}) == opened);
    CHECK(images.saved(handle) == mirrored(original));

    CHECK(images.call("blur", {{"handle", handle}, {"radius", 8}}) == opened);
    const Picture blurred = images.saved(handle);
    CHECK(variance(blurred) < 0.95 * variance(original));
    CHECK(variance(blurred) > 0.3 * variance(original));  // and it is still a photograph
    for (std::uint32_t channel = 0; channel < 3; ++channel) {
        CHECK(std::abs(mean(blurred, channel) - mean(original, channel)) < 3);
    }

    CHECK(images.call("info", {{"handle", handle}}) == opened);
    CHECK(images.call("status", json::object())["images"] == 1);
    CHECK(images.call("destroy", {{"handle", handle}}) == json::object());
    const json status = images.call("status", json::object());
    CHECK(status["images"] == 0);
    CHECK(status["bytes"] == 0);
}

TEST_CASE("what was decoded is the photograph: nearly the same comes out of a JPEG made of it") {
    const ImageService service;
    const Images images(service.plugin());
    const Picture original = images.saved(images.open(photograph())["handle"]);
    const Picture again = images.saved(images.open(encode_jpeg(original, {.quality = 98}))["handle"]);
    REQUIRE(again.samples.size() == original.samples.size());
    double difference = 0;
    for (std::size_t i = 0; i < original.samples.size(); ++i) {
        difference += std::abs(original.samples[i] - again.samples[i]);
    }
    CHECK(difference / static_cast<double>(original.samples.size()) < 2);
}

TEST_CASE("what the README shows works as it is printed there") {
    const ImageService service;
    const Plugin& image = service.plugin();
    const std::string photograph = tests::photograph();

    const bulkhead::Session session = image.session();
    const auto opened = session.call("open", photograph);
    const auto handle = nlohmann::json::parse(opened.value().text())["handle"];
    session.call_json("blur", {{"handle", handle}, {"radius", 8}}).value();
    const bulkhead::Bytes png = session.call("save", nlohmann::json{{"handle", handle}}.dump()).value();
    session.call_json("destroy", {{"handle", handle}}).value();

    CHECK(decode_png(png.text()).width == 512);
}

TEST_CASE("the photograph goes from file to file") {
    const ImageService service;
    const Images images(service.plugin());
    const ScratchFolder scratch;
    const std::string target = scratch.path() / "blurred.png";
    const json handle =
        images.call("open_file", {{"path", std::string(BULKHEAD_TEST_DATA) + "/grace_hopper.jpg"}})["handle"];
    images.call("blur", {{"handle", handle}, {"radius", 3}});
    CHECK(images.call("save_file", {{"handle", handle}, {"path", target}}) == json{{"path", target}});
    CHECK(decode_png(file_bytes(target)) == images.saved(handle));
}

TEST_CASE("two callers' images do not touch each other") {
    const ImageService service;
    const Images one(service.plugin());
    const Images other(service.plugin());
    const json of_one = one.open(photograph())["handle"];
    const json of_other = other.open(photograph())["handle"];
    REQUIRE(of_one != of_other);
    const Picture original = other.saved(of_other);
    one.call("mirror", {{"handle", of_one}});
    CHECK(other.saved(of_other) == original);
    CHECK(one.saved(of_one) == mirrored(original));
}

}  // namespace
}  // namespace bulkhead::tests
