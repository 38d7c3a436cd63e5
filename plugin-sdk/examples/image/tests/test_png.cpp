// PNG in and out, every kind of it.
#include <doctest/doctest.h>
#include <png.h>

#include "image_support/encoders.hpp"
#include "image_support/library.hpp"

namespace bulkhead::tests {
namespace {

std::string packed(const Picture& picture) { return {picture.samples.begin(), picture.samples.end()}; }

Picture opened(const std::string& file) {
    Library library;
    return library.pixels(library.must_open(file));
}

TEST_CASE("grey, grey with alpha, RGB and RGB with alpha come out as they went in") {
    for (std::uint32_t channels = 1; channels <= 4; ++channels) {
        const Picture picture = noise(31, 17, channels, channels);
        CHECK(opened(encode_png(picture)) == picture);
    }
}

TEST_CASE("an interlaced PNG is the same image") {
    const Picture picture = noise(37, 23, 3, 5);
    CHECK(opened(encode_png_as({PNG_COLOR_TYPE_RGB, 8, true}, 37, 23, packed(picture))) == picture);
}

TEST_CASE("few bits become eight") {
    // Eight pixels of one bit: 10110010.
    const Picture bits = opened(encode_png_as({PNG_COLOR_TYPE_GRAY, 1}, 8, 1, "\xB2"));
    CHECK(bits.channels == 1);
    CHECK(bits.samples == std::vector<std::uint8_t>{255, 0, 255, 255, 0, 0, 255, 0});
    const Picture nibbles = opened(encode_png_as({PNG_COLOR_TYPE_GRAY, 4}, 2, 1, "\x1F"));
    CHECK(nibbles.samples == std::vector<std::uint8_t>{17, 255});
}

TEST_CASE("sixteen bits become eight, rounded") {
    const std::string samples("\x00\x00\x80\x80\xFF\xFF\x01\x81", 8);
    CHECK(opened(encode_png_as({PNG_COLOR_TYPE_GRAY, 16}, 4, 1, samples)).samples ==
          std::vector<std::uint8_t>{0, 128, 255, 1});
}

TEST_CASE("a palette becomes colours, and its transparent one alpha") {
    const std::string samples("\x00\x01\xFF", 3);
    const Picture plain = opened(encode_png_as({PNG_COLOR_TYPE_PALETTE, 8}, 3, 1, samples));
    CHECK(plain.samples == std::vector<std::uint8_t>{0, 255, 85, 1, 254, 84, 255, 0, 170});
    const Picture clear = opened(encode_png_as({PNG_COLOR_TYPE_PALETTE, 8, false, true}, 3, 1, samples));
    CHECK(clear.samples == std::vector<std::uint8_t>{0, 255, 85, 0, 1, 254, 84, 255, 255, 0, 170, 255});
}

TEST_CASE("a PNG that lacks its last bytes is damaged, wherever it was cut") {
    Library library;
    for (const bool interlaced : {false, true}) {
        const std::string whole =
            encode_png_as({PNG_COLOR_TYPE_RGB, 8, interlaced}, 20, 20, packed(noise(20, 20, 3, 1)));
        // The last 12 bytes say that it ends; the 4 before are a checksum.
        for (std::size_t size = 8; size < whole.size() - 16; ++size) {
            CAPTURE(size);
            CHECK(library.open(std::string_view(whole).substr(0, size)) == IMAGE_DAMAGED);
        }
    }
    CHECK(library.usage().images == 0);
    CHECK(library.usage().bytes == 0);
}

TEST_CASE("a saved image whose taker fails ends as an error") {
    Library library;
    const image_handle handle = library.must_open(noise(200, 200, 3, 1));
    for (int limit : {0, 1, 3}) {
        const image_sink sink = {
            [](void* left, const void*, std::size_t) { return (*static_cast<int*>(left))-- > 0 ? 1 : 0; }, &limit};
        CHECK(library.table().save(library.get(), handle, sink) == IMAGE_IO);
    }
    CHECK(library.pixels(handle) == noise(200, 200, 3, 1));
}

}  // namespace
}  // namespace bulkhead::tests
