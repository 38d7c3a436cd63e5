// The blur against one that does what the header says, pixel by pixel. And the mirror.
#include <doctest/doctest.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "image_support/library.hpp"

namespace bulkhead::tests {
namespace {

std::uint8_t rounded(std::uint64_t sum, std::uint64_t count) {
    return static_cast<std::uint8_t>((2 * sum + count) / (2 * count));
}

void blur_pixel(const Picture& from, std::uint32_t x, std::uint32_t y, std::uint32_t radius, Picture& to) {
    const bool alpha = from.channels % 2 == 0;
    const std::uint32_t colours = from.channels - (alpha ? 1 : 0);
    std::array<std::uint64_t, 4> sums{};
    std::uint64_t count = 0;
    std::uint64_t opacity = 0;
    for (std::uint32_t v = y - std::min(y, radius); v <= std::min(y + radius, from.height - 1); ++v) {
        for (std::uint32_t u = x - std::min(x, radius); u <= std::min(x + radius, from.width - 1); ++u) {
            const std::uint64_t weight = alpha ? from.at(u, v, colours) : 1;
            for (std::uint32_t c = 0; c < colours; ++c) {
                sums.at(c) += weight * from.at(u, v, c);
            }
            opacity += weight;
            ++count;
        }
    }
    std::uint8_t* target = &to.samples[(std::size_t{y} * from.width + x) * from.channels];
    for (std::uint32_t c = 0; c < colours; ++c) {
        target[c] = opacity == 0 ? std::uint8_t{0} : rounded(sums.at(c), opacity);
    }
    if (alpha) {
        target[colours] = rounded(opacity, count);
    }
}

Picture naively_blurred(const Picture& picture, std::uint32_t radius) {
    Picture result = picture;
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        for (std::uint32_t x = 0; x < picture.width; ++x) {
            blur_pixel(picture, x, y, radius, result);
        }
    }
    return result;
}

Picture blurred(Library& library, const Picture& picture, std::int32_t radius) {
    const image_handle handle = library.must_open(picture);
    REQUIRE(library.table().blur(library.get(), handle, radius) == IMAGE_OK);
    Picture result = library.pixels(handle);
    REQUIRE(library.table().destroy(library.get(), handle) == IMAGE_OK);
    return result;
}

double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

TEST_CASE("a blur is the rounded mean of the square around each pixel, at the edges too") {
    Library library;
    constexpr std::array<std::array<std::uint32_t, 2>, 6> kSizes = {
        {{1, 1}, {1, 9}, {11, 1}, {5, 4}, {33, 17}, {20, 50}}};
    for (const auto& [width, height] : kSizes) {
        for (std::uint32_t channels = 1; channels <= 4; ++channels) {
            const Picture picture = noise(width, height, channels, width * 100 + channels);
            for (const std::uint32_t radius : {1, 2, 5, 16, 40, IMAGE_MAX_RADIUS}) {
                CAPTURE(width);
                CAPTURE(channels);
                CAPTURE(radius);
                CHECK(blurred(library, picture, static_cast<std::int32_t>(radius)) == naively_blurred(picture, radius));
            }
        }
    }
}

TEST_CASE("the extremes of a sample survive the largest blur of an image larger than it") {
    Library library({20'000'000, 256 * kMebibyte, 4, 0, nullptr, nullptr});
    Picture white{2100, 2100, 2, {}};
    white.samples.assign(std::size_t{2100} * 2100 * 2, 255);
    CHECK(blurred(library, white, IMAGE_MAX_RADIUS) == white);
}

TEST_CASE("a transparent pixel's colour does not bleed into its neighbours") {
    Library library;
    const Picture pair{2, 1, 4, {200, 100, 50, 255, 0, 255, 0, 0}};
    CHECK(blurred(library, pair, 1).samples == std::vector<std::uint8_t>{200, 100, 50, 128, 200, 100, 50, 128});
}

TEST_CASE("radius 0 changes nothing, and a radius that cannot be is refused") {
    Library library;
    const Picture picture = noise(7, 5, 3, 2);
    CHECK(blurred(library, picture, 0) == picture);
    const image_handle handle = library.must_open(picture);
    for (const std::int32_t radius : {-1, INT32_MIN, IMAGE_MAX_RADIUS + 1, INT32_MAX}) {
        CHECK(library.table().blur(library.get(), handle, radius) == IMAGE_PARAMETER);
        CHECK(library.message() == "the radius is " + std::to_string(radius) + "; it can be 0 to 1000");
    }
    CHECK(library.pixels(handle) == picture);
}

TEST_CASE("work whose caller gave up ends, and the image is as before") {
    bool gave_up = false;
    image_settings settings{4'000'000, 64 * kMebibyte, 16, 0, nullptr, nullptr};
    settings.cancelled = [](void* context) { return *static_cast<bool*>(context) ? 1 : 0; };
    settings.cancelled_context = &gave_up;
    Library library(settings);
    const Picture picture = noise(50, 50, 3, 3);
    const image_handle handle = library.must_open(picture);
    const image_usage before = library.usage();
    const std::string png = encode_png(picture);
    gave_up = true;
    std::string saved;
    CHECK(library.table().blur(library.get(), handle, 4) == IMAGE_CANCELLED);
    CHECK(library.table().save(library.get(), handle, {append_to_string, &saved}) == IMAGE_CANCELLED);
    CHECK(library.open(png) == IMAGE_CANCELLED);
    CHECK(library.open(photograph()) == IMAGE_CANCELLED);
    gave_up = false;
    CHECK(library.usage().bytes == before.bytes);
    CHECK(library.pixels(handle) == picture);
}

TEST_CASE("twelve megapixels are blurred in about a second, whatever the radius") {
    Library library({12'000'000, 256 * kMebibyte, 4, 0, nullptr, nullptr});
    const image_handle handle = library.must_open(noise(4000, 3000, 3, 4));
    for (const std::int32_t radius : {8, 500}) {
        const double begin = cpu_seconds();
        REQUIRE(library.table().blur(library.get(), handle, radius) == IMAGE_OK);
        const double seconds = cpu_seconds() - begin;
        MESSAGE("radius ", radius, ": ", seconds, " s");
        CHECK(seconds < BULKHEAD_BLUR_SECONDS);
    }
}

TEST_CASE("a mirrored image has left and right swapped, and mirrored twice it is itself") {
    Library library;
    for (std::uint32_t channels = 1; channels <= 4; ++channels) {
        for (const std::uint32_t width : {1U, 2U, 7U, 64U}) {
            const Picture picture = noise(width, 5, channels, width);
            const image_handle handle = library.must_open(picture);
            REQUIRE(library.table().mirror(library.get(), handle) == IMAGE_OK);
            CHECK(library.pixels(handle) == mirrored(picture));
            REQUIRE(library.table().mirror(library.get(), handle) == IMAGE_OK);
            CHECK(library.pixels(handle) == picture);
            REQUIRE(library.table().destroy(library.get(), handle) == IMAGE_OK);
        }
    }
}

}  // namespace
}  // namespace bulkhead::tests
