// JPEG in, every kind of it.
#include <doctest/doctest.h>

#include <cstdlib>

#include "image_support/encoders.hpp"
#include "image_support/library.hpp"

namespace bulkhead::tests {
namespace {

Picture opened(const std::string& file) {
    Library library;
    return library.pixels(library.must_open(file));
}

Picture flat(std::uint32_t width, std::uint32_t height, std::vector<std::uint8_t> colour) {
    Picture picture{width, height, static_cast<std::uint32_t>(colour.size()), {}};
    for (std::size_t i = 0; i < std::size_t{width} * height; ++i) {
        picture.samples.insert(picture.samples.end(), colour.begin(), colour.end());
    }
    return picture;
}

// Within what compression may change.
bool nearly(const Picture& one, const Picture& other) {
    bool near = one.width == other.width && one.height == other.height && one.channels == other.channels;
    for (std::size_t i = 0; near && i < one.samples.size(); ++i) {
        near = std::abs(one.samples[i] - other.samples[i]) <= 4;
    }
    return near;
}

TEST_CASE("colours and greys come out as they went in") {
    const Picture colour = flat(33, 20, {200, 100, 50});
    CHECK(nearly(opened(encode_jpeg(colour)), colour));
    const Picture grey = flat(9, 40, {77});
    CHECK(nearly(opened(encode_jpeg(grey)), grey));
}

TEST_CASE("a progressive JPEG is the same image") {
    const Picture picture = noise(64, 48, 3, 6);
    CHECK(opened(encode_jpeg(picture, {.progressive = true})) == opened(encode_jpeg(picture)));
}

TEST_CASE("a JPEG of four inks becomes RGB") {
    // As Adobe's programs store it: 255 is no ink.
    const Picture inks = flat(16, 16, {255, 128, 0, 255});
    CHECK(nearly(opened(encode_jpeg(inks, {.cmyk = true})), flat(16, 16, {255, 128, 0})));
    const Picture darker = flat(16, 16, {255, 128, 0, 128});
    CHECK(nearly(opened(encode_jpeg(darker, {.cmyk = true})), flat(16, 16, {128, 64, 0})));
}

TEST_CASE("a JPEG that lacks its last bytes is damaged, wherever it was cut") {
    Library library;
    const std::string baseline = photograph();
    const std::string progressive = encode_jpeg(noise(64, 64, 3, 1), {.progressive = true});
    for (const std::string& whole : {baseline, progressive}) {
        const std::size_t step = whole.size() / 150;
        for (std::size_t size = 3; size < whole.size() - 16; size += step) {
            CAPTURE(size);
            const image_error error = library.open(std::string_view(whole).substr(0, size));
            INFO(library.message());
            CHECK(error == IMAGE_DAMAGED);
        }
    }
    CHECK(library.usage().images == 0);
    CHECK(library.usage().bytes == 0);
}

TEST_CASE("a JPEG with hundreds of scans is refused") {
    Library library;
    const std::string jpeg = encode_jpeg(noise(64, 64, 3, 1), {.separate = true});
    CHECK(library.open(jpeg_with_scans(jpeg, 10)) == IMAGE_OK);
    CHECK(library.open(jpeg_with_scans(jpeg, 500)) == IMAGE_DAMAGED);
    CHECK(library.message() == "the JPEG has more than 100 scans");
}

TEST_CASE("a JPEG whose decoder warns again and again is refused") {
    Library library;
    // Scans that refine what was refined before.
    const std::string jpeg = encode_jpeg(noise(64, 64, 3, 1), {.progressive = true});
    CHECK(library.open(jpeg_with_scans(jpeg, 10)) == IMAGE_DAMAGED);
    CHECK(library.message().find("Inconsistent progression sequence") != std::string::npos);
}

}  // namespace
}  // namespace bulkhead::tests
