// Files of every kind, honest ones and hostile ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "image_support/picture.hpp"

namespace bulkhead::tests {

struct PngKind {
    int colour_type = 0;  // PNG_COLOR_TYPE_...
    int bit_depth = 8;
    bool interlaced = false;
    bool transparent = false;  // palette: the first colour is
};

// Row after row of `packed` as libpng wants them for this kind, without expanding or swapping anything. A palette has
// the colours (i, 255 - i, i ^ 85).
std::string encode_png_as(const PngKind& kind, std::uint32_t width, std::uint32_t height, const std::string& packed);

// The same file with another size in its header, and that header's checksum right.
std::string png_with_size(std::string png, std::uint32_t width, std::uint32_t height);
// The same file with one more chunk behind its header.
std::string png_with_chunk(std::string png, const std::string& type, const std::string& data);
// The same file with the checksums of its chunks made right, as far as it still has chunks. So what follows them is
// looked at, too.
std::string png_with_checksums(std::string png);
std::string deflated(const std::string& bytes);

struct JpegKind {
    bool progressive = false;
    bool separate = false;  // one scan for each of three components
    bool cmyk = false;      // four channels as they are, the way Adobe's programs write them
    int quality = 90;
};
std::string encode_jpeg(const Picture& picture, const JpegKind& kind = {});
// The same file with another size in its frame header.
std::string jpeg_with_size(std::string jpeg, std::uint16_t width, std::uint16_t height);
// The same file with its last scan so many times more.
std::string jpeg_with_scans(const std::string& jpeg, int more);

}  // namespace bulkhead::tests
