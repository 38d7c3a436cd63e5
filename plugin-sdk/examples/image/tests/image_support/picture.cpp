#include "image_support/picture.hpp"

#include <doctest/doctest.h>
#include <png.h>

#include <array>
#include <fstream>
#include <iterator>
#include <random>

namespace bulkhead::tests {
namespace {

constexpr std::array<png_uint_32, 4> kFormats = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};

}  // namespace

Picture noise(std::uint32_t width, std::uint32_t height, std::uint32_t channels, std::uint32_t seed) {
    std::mt19937 random(seed);
    Picture picture{width, height, channels, {}};
    picture.samples.resize(std::size_t{width} * height * channels);
    for (std::uint8_t& sample : picture.samples) {
        sample = static_cast<std::uint8_t>(random() >> 24);
    }
    return picture;
}

Picture mirrored(const Picture& picture) {
    Picture result = picture;
    std::size_t next = 0;
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        for (std::uint32_t x = picture.width; x-- > 0;) {
            for (std::uint32_t channel = 0; channel < picture.channels; ++channel) {
                result.samples[next++] = picture.at(x, y, channel);
            }
        }
    }
    return result;
}

double variance(const Picture& picture) {
    double sum = 0;
    double squares = 0;
    for (const std::uint8_t sample : picture.samples) {
        sum += sample;
        squares += double{static_cast<double>(sample)} * sample;
    }
    const auto count = static_cast<double>(picture.samples.size());
    return squares / count - (sum / count) * (sum / count);
}

std::string file_bytes(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    REQUIRE_MESSAGE(stream.good(), path);
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::string photograph() { return file_bytes(std::string(BULKHEAD_TEST_DATA) + "/grace_hopper.jpg"); }

Picture decode_png(std::string_view png) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE_MESSAGE(png_image_begin_read_from_memory(&image, png.data(), png.size()) != 0, image.message);
    Picture picture{image.width, image.height, PNG_IMAGE_SAMPLE_CHANNELS(image.format), {}};
    picture.samples.resize(PNG_IMAGE_SIZE(image));
    REQUIRE_MESSAGE(png_image_finish_read(&image, nullptr, picture.samples.data(), 0, nullptr) != 0, image.message);
    return picture;
}

std::string encode_png(const Picture& picture) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = picture.width;
    image.height = picture.height;
    image.format = kFormats.at(picture.channels - 1);
    std::string png(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
    png_alloc_size_t size = png.size();
    REQUIRE_MESSAGE(png_image_write_to_memory(&image, png.data(), &size, 0, picture.samples.data(), 0, nullptr) != 0,
                    image.message);
    png.resize(size);
    return png;
}

}  // namespace bulkhead::tests
