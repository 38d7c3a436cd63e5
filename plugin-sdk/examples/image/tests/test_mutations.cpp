// Thousands of broken images: each is opened or refused, and the worker lives.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "image_support/encoders.hpp"
#include "image_support/images.hpp"
#include "support/scale.hpp"

namespace bulkhead::tests {
namespace {

using nlohmann::json;

std::size_t below(std::mt19937& random, std::size_t limit) { return random() % limit; }

// Changes bytes, cuts, repeats and removes pieces; often near the start, where the headers are.
void mutate(std::string& file, std::mt19937& random) {
    const std::size_t reach = below(random, 2) == 0 ? std::min<std::size_t>(file.size(), 700) : file.size();
    const std::size_t at = below(random, reach);
    const std::size_t length = std::min(below(random, 40) + 1, file.size() - at);
    switch (below(random, 6)) {
        case 0:
            file[at] = static_cast<char>(random());
            break;
        case 1:
            file[at] = static_cast<char>(file[at] ^ (1 << below(random, 8)));
            break;
        case 2:
            file.replace(at, length, length, below(random, 2) == 0 ? '\xFF' : '\0');
            break;
        case 3:
            file.insert(at, file.substr(at, length));
            break;
        case 4:
            file.erase(at, length);
            break;
        default:
            file.resize(std::max<std::size_t>(at, 1));
            break;
    }
}

// Opens broken files of one kind; what can be opened is worked on.
void open_mutations(const Images& images, const std::string& whole, std::uint32_t seed, int count) {
    std::mt19937 random(seed);
    int opened = 0;
    for (int i = 0; i < count; ++i) {
        std::string file = whole;
        for (std::size_t changes = below(random, 6) + 1; changes > 0 && !file.empty(); --changes) {
            mutate(file, random);
        }
        if (below(random, 2) == 0) {
            file = png_with_checksums(std::move(file));  // does nothing to a JPEG
        }
        const auto outcome = images.session().call("open", file);
        if (outcome.has_error()) {
            CAPTURE(seed);
            CAPTURE(i);
            REQUIRE_MESSAGE(outcome.error().code == ErrorCode::plugin_failed, outcome.error().message);
            continue;
        }
        ++opened;
        const json handle = json::parse(outcome->text())["handle"];
        images.call("blur", {{"handle", handle}, {"radius", 2}});
        CHECK(images.saved(handle).width > 0);
        images.call("destroy", {{"handle", handle}});
    }
    // Else the test would only show that garbage is refused.
    CHECK((opened > 0 || count < 100));
}

TEST_CASE("thousands of mutated JPEGs and PNGs are opened or refused, and the worker never dies") {
    const ImageService service(json{{"max_pixels", 1'000'000}});
    const Images images(service.plugin());
    const Picture small = noise(48, 40, 3, 1);
    const std::string packed(small.samples.begin(), small.samples.end());
    open_mutations(images, encode_jpeg(small), 1, scaled(1'000));
    open_mutations(images, encode_jpeg(small, {.progressive = true}), 2, scaled(1'000));
    open_mutations(images, photograph(), 3, scaled(150));
    open_mutations(images, encode_png(small), 4, scaled(500));
    open_mutations(images, encode_png_as({2, 8, true}, 48, 40, packed), 5, scaled(500));
    open_mutations(images, encode_png_as({3, 8, false, true}, 48, 40, packed.substr(0, 48 * 40)), 6, scaled(500));
    const json status = images.call("status", json::object());
    CHECK(status["images"] == 0);
    CHECK(status["bytes"] == 0);
    CHECK(service.deaths().all().empty());
}

}  // namespace
}  // namespace bulkhead::tests
