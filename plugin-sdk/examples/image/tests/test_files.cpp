// Images in files: paths that are wrong, and files that are there complete or not at all.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "image_support/library.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

image_error open_file(const Library& library, const fs::path& path, image_handle* handle = nullptr) {
    image_handle ignored = 0;
    return library.table().open_file(library.get(), path.c_str(), handle != nullptr ? handle : &ignored);
}

void write(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE("an image saved to a file is opened from it again") {
    Library library;
    const ScratchFolder scratch;
    const fs::path path = scratch.path() / "noise.png";
    const Picture picture = noise(60, 40, 4, 1);
    const image_handle handle = library.must_open(picture);
    write(path, "an older file of this name");
    REQUIRE(library.table().save_file(library.get(), handle, path.c_str()) == IMAGE_OK);
    CHECK(decode_png(file_bytes(path)) == picture);
    CHECK(files_in(scratch.path()) == 1);
    image_handle again = 0;
    REQUIRE(open_file(library, path, &again) == IMAGE_OK);
    CHECK(library.pixels(again) == picture);
}

TEST_CASE("what is no readable file is an error that names it") {
    Library library;
    const ScratchFolder scratch;
    CHECK(open_file(library, scratch.path() / "missing.png") == IMAGE_IO);
    CHECK(library.message().find("missing.png': No such file or directory") != std::string::npos);
    CHECK(open_file(library, scratch.path()) == IMAGE_IO);
    CHECK(library.message().find("is not a regular file") != std::string::npos);
    // Neither blocks nor reads without end.
    const fs::path pipe = scratch.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(open_file(library, pipe) == IMAGE_IO);
    CHECK(open_file(library, "/dev/zero") == IMAGE_IO);
    CHECK(open_file(library, "") == IMAGE_IO);
    CHECK(open_file(library, std::string(10'000, 'x')) == IMAGE_IO);
    write(scratch.path() / "text.png", "not an image");
    CHECK(open_file(library, scratch.path() / "text.png") == IMAGE_FORMAT);
}

TEST_CASE("a file too large to be held is not read") {
    Library library({1000, 1000, 4, 0, nullptr, nullptr});
    const ScratchFolder scratch;
    write(scratch.path() / "large.png", "\x89PNG");
    fs::resize_file(scratch.path() / "large.png", 1ULL << 40);
    CHECK(open_file(library, scratch.path() / "large.png") == IMAGE_TOO_LARGE);
}

TEST_CASE("saving to a place that does not exist is an error and leaves nothing") {
    Library library;
    const ScratchFolder scratch;
    const image_handle handle = library.must_open(noise(10, 10, 3, 1));
    const auto save = [&](const fs::path& path) {
        return library.table().save_file(library.get(), handle, path.c_str());
    };
    CHECK(save(scratch.path() / "no/such/folder.png") == IMAGE_IO);
    CHECK(save("") == IMAGE_IO);
    fs::create_directory(scratch.path() / "folder");
    CHECK(save(scratch.path() / "folder") == IMAGE_IO);  // a folder is not replaced
    CHECK(files_in(scratch.path()) == 1);
    CHECK(files_in(scratch.path() / "folder") == 0);
}

TEST_CASE("saving that is given up half-way leaves the older file as it was") {
    int looks = 0;
    image_settings settings{4'000'000, 64 * kMebibyte, 16, 0, nullptr, nullptr};
    settings.cancelled = [](void* context) { return ++*static_cast<int*>(context) > 20 ? 1 : 0; };
    settings.cancelled_context = &looks;
    Library library(settings);
    const ScratchFolder scratch;
    const fs::path path = scratch.path() / "noise.png";
    write(path, "an older file");
    const image_handle handle = library.must_open(noise(100, 16 * 18, 1, 1));
    CHECK(library.table().save_file(library.get(), handle, path.c_str()) == IMAGE_CANCELLED);
    CHECK(file_bytes(path) == "an older file");
    CHECK(files_in(scratch.path()) == 1);
}

}  // namespace
}  // namespace bulkhead::tests
