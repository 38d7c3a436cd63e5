// Files made to do harm, and some that are no images at all.
#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>

#include "image_support/encoders.hpp"
#include "image_support/library.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("what is neither JPEG nor PNG is refused with its size") {
    Library library;
    CHECK(library.open("") == IMAGE_FORMAT);
    CHECK(library.message() == "there is no image, only 0 bytes");
    for (const std::string& file : {std::string("hello, world"), std::string("\xFF\xD8", 2), std::string("\x89PNG\r\n"),
                                    std::string("GIF89a........"), std::string(100'000, '\0')}) {
        CHECK(library.open(file) == IMAGE_FORMAT);
        CHECK(library.message() == "the " + std::to_string(file.size()) + " bytes are neither a JPEG nor a PNG");
    }
}

TEST_CASE("a small file that claims to be huge is refused before memory is taken for it") {
    Library library;
    const std::string png = encode_png(noise(4, 4, 3, 1));
    const std::string jpeg = encode_jpeg(noise(4, 4, 3, 1));
    const Snapshot before = Snapshot::take();
    for (const std::uint32_t side : {2'001U, 65'500U, 65'501U, 1'000'000U, 0x7FFFFFFFU}) {
        CHECK(library.open(png_with_size(png, side, 2'000)) == IMAGE_TOO_LARGE);
        CHECK(library.open(png_with_size(png, 2'000, side)) == IMAGE_TOO_LARGE);
        CHECK(library.open(png_with_size(png, side, side)) == IMAGE_TOO_LARGE);
    }
    CHECK(library.open(png_with_size(png, 1, 65'501)) == IMAGE_TOO_LARGE);
    CHECK(library.open(jpeg_with_size(jpeg, 65'500, 65'500)) == IMAGE_TOO_LARGE);
    CHECK(library.message() ==
          "the image is 65500 by 65500 pixels; at most 4000000 pixels and 65500 on a side are allowed");
    CHECK(library.open(png_with_size(png, 0, 5)) == IMAGE_DAMAGED);
    CHECK(library.open(png_with_size(png, 0x80000000U, 5)) == IMAGE_DAMAGED);
    CHECK(library.open(jpeg_with_size(jpeg, 0, 5)) == IMAGE_DAMAGED);
    // Within the limits, but with far too little data.
    CHECK(library.open(png_with_size(png, 2'000, 2'000)) == IMAGE_DAMAGED);
    CHECK(library.open(jpeg_with_size(jpeg, 2'000, 2'000)) == IMAGE_DAMAGED);
    CHECK(library.usage().bytes == 0);
    CHECK(before.growth() < 64 * kMebibyte);
}

TEST_CASE("a PNG that unpacks to a thousand times its size is held by the limits of its pixels") {
    const std::string bomb = encode_png_as({PNG_COLOR_TYPE_GRAY, 8}, 3'000, 3'000, std::string(9'000'000, '\0'));
    REQUIRE(bomb.size() < 20'000);
    Library small({1'000'000, 64 * kMebibyte, 4, 0, nullptr, nullptr});
    CHECK(small.open(bomb) == IMAGE_TOO_LARGE);
    Library tight({10'000'000, 8'000'000, 4, 0, nullptr, nullptr});
    CHECK(tight.open(bomb) == IMAGE_MEMORY);
    Library wide({10'000'000, 64 * kMebibyte, 4, 0, nullptr, nullptr});
    CHECK(wide.open(bomb) == IMAGE_OK);
}

TEST_CASE("more pixels than the header says are left alone") {
    // The data of 40 rows under a header that says 10.
    const Picture picture = noise(30, 40, 1, 1);
    const std::string packed(picture.samples.begin(), picture.samples.end());
    const std::string tall = encode_png_as({PNG_COLOR_TYPE_GRAY, 8}, 30, 40, packed);
    Library library;
    const Picture opened = library.pixels(library.must_open(png_with_size(tall, 30, 10)));
    CHECK(opened.height == 10);
    CHECK(std::equal(opened.samples.begin(), opened.samples.end(), picture.samples.begin()));
}

TEST_CASE("a text or profile of a hundred megabytes within a PNG is not kept") {
    const std::string bomb = deflated(std::string(100'000'000, 'x'));
    const std::string png = encode_png(noise(4, 4, 3, 1));
    Library library;
    const Snapshot before = Snapshot::take();
    for (const char* type : {"zTXt", "iCCP"}) {
        const std::string name("Comment\0\0", 9);
        CHECK(library.open(png_with_chunk(png, type, name + bomb)) == IMAGE_OK);
    }
    CHECK(before.growth() < 64 * kMebibyte);
}

TEST_CASE("thousands of chunks are read past") {
    std::string png = encode_png(noise(4, 4, 3, 1));
    for (int i = 0; i < 3'000; ++i) {
        png = png_with_chunk(std::move(png), "tEXt", std::string("Comment\0x", 9));
    }
    Library library;
    CHECK(library.open(png) == IMAGE_OK);
}

}  // namespace
}  // namespace bulkhead::tests
