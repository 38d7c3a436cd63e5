#include "image_support/encoders.hpp"

#include <cstdio>
// libjpeg's header relies on stdio before it.
#include <doctest/doctest.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace bulkhead::tests {
namespace {

std::string big_endian(std::uint32_t number) {
    return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
            static_cast<char>(number)};
}

std::string chunk(const std::string& type, const std::string& data) {
    const std::string checked = type + data;
    const auto* bytes = reinterpret_cast<const Bytef*>(checked.data());
    const uLong sum = ::crc32(0, bytes, static_cast<uInt>(checked.size()));
    return big_endian(static_cast<std::uint32_t>(data.size())) + checked + big_endian(static_cast<std::uint32_t>(sum));
}

constexpr std::size_t kHeaderAt = 8;  // behind the signature: length, "IHDR", 13 bytes, checksum
constexpr std::size_t kHeaderSize = 25;

void set_colours(png_structp png, png_infop info, const PngKind& kind) {
    std::array<png_color, 256> palette{};
    const std::size_t count = std::size_t{1} << kind.bit_depth;
    for (std::size_t i = 0; i < count; ++i) {
        palette.at(i) = {static_cast<png_byte>(i), static_cast<png_byte>(255 - i), static_cast<png_byte>(i ^ 85)};
    }
    ::png_set_PLTE(png, info, palette.data(), static_cast<int>(count));
    if (kind.transparent) {
        const png_byte first = 0;
        ::png_set_tRNS(png, info, &first, 1, nullptr);
    }
}

// Where the marker of this kind is, the last of them.
std::size_t last_marker(const std::string& jpeg, char kind) {
    const std::size_t at = jpeg.rfind(std::string{'\xFF', kind});
    REQUIRE(at != std::string::npos);
    return at;
}

}  // namespace

std::string encode_png_as(const PngKind& kind, std::uint32_t width, std::uint32_t height, const std::string& packed) {
    // The default handler of errors prints and aborts: this is a test's own picture.
    png_structp png = ::png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = ::png_create_info_struct(png);
    std::string file;
    ::png_set_write_fn(
        png, &file,
        [](png_structp self, png_bytep data, std::size_t size) {
            static_cast<std::string*>(::png_get_io_ptr(self))->append(reinterpret_cast<const char*>(data), size);
        },
        nullptr);
    ::png_set_IHDR(png, info, width, height, kind.bit_depth, kind.colour_type,
                   kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                   PNG_FILTER_TYPE_DEFAULT);
    if (kind.colour_type == PNG_COLOR_TYPE_PALETTE) {
        set_colours(png, info, kind);
    }
    ::png_write_info(png, info);
    const std::size_t row_size = ::png_get_rowbytes(png, info);
    REQUIRE(packed.size() == row_size * height);
    std::vector<png_bytep> rows;
    for (std::size_t y = 0; y < height; ++y) {
        rows.push_back(reinterpret_cast<png_bytep>(const_cast<char*>(packed.data() + y * row_size)));
    }
    ::png_write_image(png, rows.data());
    ::png_write_end(png, info);
    ::png_destroy_write_struct(&png, &info);
    return file;
}

std::string png_with_size(std::string png, std::uint32_t width, std::uint32_t height) {
    const std::string rest = png.substr(kHeaderAt + 16, 5);
    return png.replace(kHeaderAt, kHeaderSize, chunk("IHDR", big_endian(width) + big_endian(height) + rest));
}

std::string png_with_chunk(std::string png, const std::string& type, const std::string& data) {
    return png.insert(kHeaderAt + kHeaderSize, chunk(type, data));
}

std::string png_with_checksums(std::string png) {
    std::size_t at = kHeaderAt;
    while (at + 12 <= png.size()) {
        std::uint32_t size = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            size = size << 8 | static_cast<unsigned char>(png[at + i]);
        }
        if (size > png.size() - at - 12) {
            break;
        }
        png.replace(at, size + 12, chunk(png.substr(at + 4, 4), png.substr(at + 8, size)));
        at += size + 12;
    }
    return png;
}

std::string deflated(const std::string& bytes) {
    uLongf size = ::compressBound(bytes.size());
    std::string packed(size, '\0');
    REQUIRE(::compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                        bytes.size(), 9) == Z_OK);
    packed.resize(size);
    return packed;
}

std::string encode_jpeg(const Picture& picture, const JpegKind& kind) {
    jpeg_compress_struct codec{};
    jpeg_error_mgr errors{};
    codec.err = ::jpeg_std_error(&errors);  // prints and exits: this is a test's own picture
    jpeg_create_compress(&codec);
    unsigned char* file = nullptr;
    unsigned long size = 0;
    ::jpeg_mem_dest(&codec, &file, &size);
    codec.image_width = picture.width;
    codec.image_height = picture.height;
    codec.input_components = static_cast<int>(picture.channels);
    codec.in_color_space = kind.cmyk ? JCS_CMYK : (picture.channels == 1 ? JCS_GRAYSCALE : JCS_RGB);
    ::jpeg_set_defaults(&codec);
    ::jpeg_set_quality(&codec, kind.quality, TRUE);
    if (kind.progressive) {
        ::jpeg_simple_progression(&codec);
    }
    constexpr std::array<jpeg_scan_info, 3> kScans = {
        {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}}};
    if (kind.separate) {
        codec.scan_info = kScans.data();
        codec.num_scans = static_cast<int>(kScans.size());
    }
    ::jpeg_start_compress(&codec, TRUE);
    for (std::size_t y = 0; y < picture.height; ++y) {
        auto* row = const_cast<JSAMPLE*>(&picture.samples[y * picture.width * picture.channels]);
        ::jpeg_write_scanlines(&codec, &row, 1);
    }
    ::jpeg_finish_compress(&codec);
    ::jpeg_destroy_compress(&codec);
    const std::unique_ptr<unsigned char, decltype(&std::free)> owned(file, &std::free);
    return {reinterpret_cast<const char*>(file), size};
}

std::string jpeg_with_size(std::string jpeg, std::uint16_t width, std::uint16_t height) {
    std::size_t frame = jpeg.find("\xFF\xC0");
    frame = frame == std::string::npos ? jpeg.find("\xFF\xC2") : frame;
    REQUIRE(frame != std::string::npos);
    const std::string size = {static_cast<char>(height >> 8), static_cast<char>(height), static_cast<char>(width >> 8),
                              static_cast<char>(width)};
    return jpeg.replace(frame + 5, 4, size);
}

std::string jpeg_with_scans(const std::string& jpeg, int more) {
    const std::size_t scan = last_marker(jpeg, '\xDA');
    const std::size_t end = last_marker(jpeg, '\xD9');
    std::string result = jpeg.substr(0, end);
    for (int i = 0; i < more; ++i) {
        result += jpeg.substr(scan, end - scan);
    }
    return result + jpeg.substr(end);
}

}  // namespace bulkhead::tests
