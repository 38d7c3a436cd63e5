#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

#include "manifest.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

using testing::ScratchFolder;

constexpr char kGood[] = R"({"name": "resizer", "version": "1", "library": "libresizer.so"})";

std::string sentence_of(const std::filesystem::path& path) {
    const auto manifest = read_manifest(path);
    REQUIRE_FALSE(manifest.has_value());
    CHECK(manifest.error().code == ErrorCode::bad_manifest);
    return manifest.error().message;
}

TEST_CASE("a manifest is named by its file or by its folder") {
    const ScratchFolder folder;
    const auto file = folder.write("plugin.json", kGood);
    for (const auto& path : {file, folder.path(), std::filesystem::relative(folder.path())}) {
        CAPTURE(path.string());
        const auto manifest = read_manifest(path);
        REQUIRE(manifest.has_value());
        CHECK(manifest->name == "resizer");
        CHECK(manifest->directory.is_absolute());
        CHECK(std::filesystem::equivalent(manifest->directory, folder.path()));
    }
}

TEST_CASE("a manifest may have another name than plugin.json") {
    const ScratchFolder folder;
    CHECK(read_manifest(folder.write("other.json", kGood)).has_value());
}

TEST_CASE("a file that is not there is named") {
    const ScratchFolder folder;
    for (const auto& path : {folder.path() / "plugin.json", folder.path(), folder.path() / "no" / "such" / "file"}) {
        const std::string sentence = sentence_of(path);
        CHECK(sentence.find(folder.path().string()) != std::string::npos);
        CHECK(sentence.find("there is no such file") != std::string::npos);
    }
}

TEST_CASE("a manifest of up to 1 MiB is read and a larger one is refused for that") {
    const ScratchFolder folder;
    const std::string good = kGood;
    const auto file = folder.write("plugin.json", good + std::string((1 << 20) - good.size(), ' '));
    CHECK(read_manifest(file).has_value());
    folder.write("plugin.json", good + std::string((1 << 20) - good.size() + 1, ' '));
    const std::string sentence = sentence_of(file);
    CHECK(sentence.find(file.string()) != std::string::npos);
    CHECK(sentence.find("larger than 1 MiB") != std::string::npos);
}

TEST_CASE("what is no file is refused at once, and not taken for bad JSON") {
    const ScratchFolder folder;
    std::filesystem::create_directories(folder.path() / "plugin.json");
    CHECK(sentence_of(folder.path()).find("it is not a file") != std::string::npos);
    const auto pipe = folder.path() / "pipe.json";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(sentence_of(pipe).find("it is not a file") != std::string::npos);
    CHECK(sentence_of("/dev/zero").find("/dev/zero") != std::string::npos);
}

TEST_CASE("the sentence about a bad field names the file as the caller can find it") {
    const ScratchFolder folder;
    const auto file = folder.write("plugin.json", R"({"name": "resizer", "version": "1"})");
    const std::string sentence = sentence_of(folder.path());
    CHECK(sentence.find(file.string()) != std::string::npos);
    CHECK(sentence.find("'library'") != std::string::npos);
}

}  // namespace
}  // namespace bulkhead::detail
