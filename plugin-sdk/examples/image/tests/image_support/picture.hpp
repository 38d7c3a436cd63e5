// Pictures for tests, encoded and decoded without the library that is tested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::tests {

// Rows from top to bottom; the samples of a pixel side by side, alpha last.
struct Picture {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t channels = 0;  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
    std::vector<std::uint8_t> samples;

    std::uint8_t at(std::uint32_t x, std::uint32_t y, std::uint32_t channel) const {
        return samples[(std::size_t{y} * width + x) * channels + channel];
    }
    bool operator==(const Picture&) const = default;
};

// The same every time for the same seed.
Picture noise(std::uint32_t width, std::uint32_t height, std::uint32_t channels, std::uint32_t seed);
Picture mirrored(const Picture& picture);
// Of all colour samples; what a blur makes smaller.
double variance(const Picture& picture);

std::string file_bytes(const std::string& path);
// The one in tests/data.
std::string photograph();

// By libpng's simplified interface; the test ends when the bytes are no PNG.
Picture decode_png(std::string_view png);
std::string encode_png(const Picture& picture);

}  // namespace bulkhead::tests
