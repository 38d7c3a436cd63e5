// Handles: open, stale, foreign, made up.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "image_support/library.hpp"

namespace bulkhead::tests {
namespace {

bool refuses(const Library& library, image_handle handle, std::string_view why) {
    image_info info{};
    const image_error error = library.table().info(library.get(), handle, &info);
    INFO(library.message());
    CHECK(error == IMAGE_HANDLE);
    CHECK(library.message().find(why) != std::string::npos);
    return error == IMAGE_HANDLE;
}

TEST_CASE("a handle that was destroyed is refused by every function, also when its slot is taken again") {
    Library library;
    const Picture picture = noise(3, 2, 3, 1);
    const image_handle stale = library.must_open(picture);
    REQUIRE(library.table().destroy(library.get(), stale) == IMAGE_OK);
    CHECK(refuses(library, stale, "was destroyed"));
    const image_handle fresh = library.must_open(picture);
    CHECK(fresh != stale);
    CHECK(refuses(library, stale, "was destroyed"));
    std::string png;
    CHECK(library.table().blur(library.get(), stale, 1) == IMAGE_HANDLE);
    CHECK(library.table().mirror(library.get(), stale) == IMAGE_HANDLE);
    CHECK(library.table().save(library.get(), stale, {append_to_string, &png}) == IMAGE_HANDLE);
    CHECK(library.table().save_file(library.get(), stale, "/nowhere/x.png") == IMAGE_HANDLE);
    CHECK(library.table().destroy(library.get(), stale) == IMAGE_HANDLE);
    CHECK(png.empty());
    CHECK(library.pixels(fresh) == picture);
}

TEST_CASE("a handle of another library is refused, though both gave it out first of all") {
    Library one;
    Library other;
    const image_handle of_one = one.must_open(noise(2, 2, 1, 1));
    static_cast<void>(other.must_open(noise(2, 2, 1, 1)));
    CHECK(refuses(other, of_one, "is not of this worker"));
}

TEST_CASE("handles that nobody gave out are refused") {
    Library library;
    const image_handle handle = library.must_open(noise(2, 2, 1, 1));
    CHECK(refuses(library, 0, "is none"));
    CHECK(refuses(library, handle + 1, "was never given out"));          // another slot
    CHECK(refuses(library, handle + (1 << 10), "was never given out"));  // a later generation
    CHECK(refuses(library, handle ^ (1ULL << 63), "not of this worker"));
    std::mt19937_64 random(1);
    for (int i = 0; i < 10'000; ++i) {
        image_info info{};
        const image_handle guess = random();
        CHECK((guess == handle || library.table().info(library.get(), guess, &info) == IMAGE_HANDLE));
    }
}

TEST_CASE("no handle is given out twice") {
    Library library;
    const std::string png = encode_png(noise(1, 1, 1, 1));
    std::set<image_handle> seen;
    for (int i = 0; i < 3'000; ++i) {
        CHECK(seen.insert(library.must_open(png)).second);
        REQUIRE(library.table().destroy(library.get(), library.handle()) == IMAGE_OK);
    }
    CHECK(library.usage().images == 0);
    CHECK(library.usage().bytes == 0);
}

TEST_CASE("more images than allowed are refused until one is destroyed") {
    Library library({1000, kMebibyte, 3, 0, nullptr, nullptr});
    const std::string png = encode_png(noise(4, 4, 3, 1));
    const image_handle first = library.must_open(png);
    static_cast<void>(library.must_open(png));
    static_cast<void>(library.must_open(png));
    CHECK(library.open(png) == IMAGE_MEMORY);
    CHECK(library.message() == "3 images are open, and no more are allowed");
    REQUIRE(library.table().destroy(library.get(), first) == IMAGE_OK);
    CHECK(library.open(png) == IMAGE_OK);
}

TEST_CASE("images that would take more bytes together than allowed are refused") {
    Library library({1'000'000, 100'000, 16, 0, nullptr, nullptr});
    const image_handle first = library.must_open(noise(200, 200, 1, 1));
    static_cast<void>(library.must_open(noise(200, 200, 1, 1)));
    CHECK(library.open(encode_png(noise(200, 200, 1, 1))) == IMAGE_MEMORY);
    CHECK(library.usage().bytes == 80'000);
    // A blur needs as much again; the image stays as it is.
    const Picture before = library.pixels(first);
    CHECK(library.table().blur(library.get(), first, 3) == IMAGE_MEMORY);
    CHECK(library.pixels(first) == before);
    CHECK(library.usage().bytes == 80'000);
}

}  // namespace
}  // namespace bulkhead::tests
