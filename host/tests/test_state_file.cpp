#include "state_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bulkhead/transport/descriptor.hpp>
#include <cstring>
#include <fstream>
#include <iterator>

#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

namespace fs = std::filesystem;
using testing::ScratchFolder;
using transport::Descriptor;

constexpr std::uint64_t kLimit = 1 << 20;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const StateReading& reading) {
    CHECK_MESSAGE(reading.refusal.empty(), reading.refusal);
    REQUIRE(reading.state);
    return {reinterpret_cast<const char*>(reading.state->bytes.data()), reading.state->bytes.size()};
}

std::string content_of(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A state file with "old" in it.
struct Fixture {
    ScratchFolder folder;
    fs::path path = folder.path() / "counter.state";
    StateFile file{path, "counter"};

    Fixture() { REQUIRE_FALSE(file.write(1, bytes_of("old"))); }
    std::string refusal() const {
        const StateReading reading = file.read(kLimit);
        CHECK_FALSE(reading.state);
        return reading.refusal;
    }
    std::string start(const char* what) const {
        return "plugin counter: state file " + path.string() + " cannot be " + what + ": ";
    }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), {}));
    }
};

TEST_CASE("a state comes back as it was written, with its version") {
    Fixture state;
    CHECK(text_of(state.file.read(kLimit)) == "old");
    CHECK(state.file.read(kLimit).state->version == 1);
    const std::string big(100'000, 'x');
    REQUIRE_FALSE(state.file.write(7, bytes_of(big)));
    CHECK(text_of(state.file.read(kLimit)) == big);
    CHECK(state.file.read(kLimit).state->version == 7);
    REQUIRE_FALSE(state.file.write(8, {}));
    CHECK(text_of(state.file.read(kLimit)).empty());
    CHECK(state.files() == 1);
}

TEST_CASE("its file belongs to its user alone") {
    Fixture state;
    struct stat status {};
    REQUIRE(::stat(state.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("no file is no state and no error") {
    ScratchFolder folder;
    for (const char* name : {"none", "no/folder/none"}) {
        const StateReading reading = StateFile(folder.path() / name, "counter").read(kLimit);
        CHECK_FALSE(reading.state);
        CHECK(reading.refusal.empty());
    }
}

TEST_CASE("a file that ends at any byte is refused") {
    Fixture state;
    const std::string whole = content_of(state.path);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        std::ofstream(state.path, std::ios::binary) << whole.substr(0, length);
        CHECK(state.refusal() == state.start("used") + (length == 0 ? "it is empty" : "it is truncated"));
    }
    std::ofstream(state.path, std::ios::binary) << whole << '!';
    CHECK(state.refusal() == state.start("used") + "it is longer than it should be");
}

TEST_CASE("a file with any bit turned is refused") {
    Fixture state;
    const std::string whole = content_of(state.path);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        CAPTURE(bit);
        std::string turned = whole;
        turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << bit % 8));
        std::ofstream(state.path, std::ios::binary) << turned;
        CHECK(state.refusal().starts_with(state.start("used")));
    }
}

TEST_CASE("a file whose blocks were never written is refused") {
    Fixture state;
    const std::size_t size = content_of(state.path).size();
    std::ofstream(state.path, std::ios::binary) << std::string(size, '\0');
    CHECK(state.refusal() == state.start("used") + "it is not a state file of Bulkhead");
}

TEST_CASE("another plugin's state and one over the limit are refused") {
    Fixture state;
    CHECK(StateFile(state.path, "printer").read(kLimit).refusal ==
          "plugin printer: state file " + state.path.string() +
              " cannot be used: it holds the state of plugin counter");
    CHECK(state.file.read(2).refusal == state.start("used") + "its state of 3 bytes is over state.limit (2)");
    CHECK(text_of(state.file.read(3)) == "old");
}

TEST_CASE("what is not a plain file is neither read nor replaced nor moved, and does not block") {
    Fixture state;
    const fs::path path = state.folder.path() / "other";
    const StateFile other(path, "counter");
    std::string kind;
    SUBCASE("symbolic link") {
        fs::create_symlink(state.path, path);
        kind = "it is a symbolic link";
    }
    SUBCASE("dangling symbolic link") {
        fs::create_symlink("nowhere", path);
        kind = "it is a symbolic link";
    }
    SUBCASE("folder") {
        fs::create_directory(path);
        kind = "it is a folder";
    }
    SUBCASE("pipe") {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        kind = "it is not a plain file";
    }
    const auto sentence = [&](const char* what) {
        return "plugin counter: state file " + path.string() + " cannot be " + what + ": " + kind;
    };
    CHECK(other.read(kLimit).refusal == sentence("used"));
    CHECK(other.write(2, bytes_of("new")) == sentence("written"));
    CHECK(other.put_aside() == sentence("put aside"));
    CHECK(text_of(state.file.read(kLimit)) == "old");
}

TEST_CASE("a missing folder, and a file in its place, are named") {
    Fixture state;
    const fs::path missing = state.folder.path() / "none";
    CHECK(StateFile(missing / "x", "counter").write(1, {}) == "plugin counter: state file " + (missing / "x").string() +
                                                                  " cannot be written: there is no folder " +
                                                                  missing.string());
    CHECK(StateFile(state.path / "x", "counter").write(1, {})->ends_with("Not a directory"));
    CHECK(StateFile(state.path / "x", "counter").read(kLimit).refusal.ends_with("Not a directory"));
}

TEST_CASE("what a crash left behind is used up by the next write") {
    Fixture state;
    state.folder.write("counter.state.new", std::string(5000, '?'));
    REQUIRE_FALSE(state.file.write(2, bytes_of("new")));
    CHECK(text_of(state.file.read(kLimit)) == "new");
    CHECK(state.files() == 1);
}

TEST_CASE("beside the file, only a plain file of ours is written to") {
    Fixture state;
    const fs::path victim = state.folder.write("victim", "precious");
    const fs::path draft = state.folder.path() / "counter.state.new";
    SUBCASE("symbolic link") { fs::create_symlink(victim, draft); }
    SUBCASE("hard link") { fs::create_hard_link(victim, draft); }
    CHECK(state.file.write(2, bytes_of("new")) ==
          state.start("written") + "counter.state.new beside it is not a plain file of this user");
    CHECK(content_of(victim) == "precious");
    CHECK(text_of(state.file.read(kLimit)) == "old");
}

TEST_CASE("two that write at the same moment do not mix") {
    Fixture state;
    const fs::path draft = state.folder.write("counter.state.new", "half");
    const Descriptor other(::open(draft.c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(::flock(other.get(), LOCK_EX) == 0);
    CHECK(state.file.write(2, bytes_of("new")) == state.start("written") + "another process is writing it");
    CHECK(content_of(draft) == "half");
    CHECK(text_of(state.file.read(kLimit)) == "old");
}

TEST_CASE("refused files are put aside beside each other, and the first ones stay") {
    Fixture state;
    const auto aside = [&](int number) {
        return state.path.string() + ".refused" + (number == 1 ? "" : "." + std::to_string(number));
    };
    CHECK_FALSE(state.file.missing_but_aside());
    for (int number = 1; number <= 10; ++number) {
        std::ofstream(state.path, std::ios::binary) << number;
        CHECK_FALSE(state.file.missing_but_aside());
        CHECK_FALSE(state.file.put_aside());
        CHECK(content_of(aside(std::min(number, 9))) == std::to_string(number));
        CHECK_FALSE(fs::exists(state.path));
    }
    CHECK(content_of(aside(1)) == "1");
    CHECK(state.files() == 9);
    CHECK(state.file.missing_but_aside() == fs::path(aside(1)));
    CHECK_FALSE(state.file.put_aside());
    CHECK(content_of(aside(9)) == "10");
    fs::remove(aside(9));
    fs::create_directory(aside(9));
    REQUIRE_FALSE(state.file.write(1, bytes_of("old")));
    CHECK(state.file.put_aside() == state.start("put aside") + "Is a directory");
    CHECK(text_of(state.file.read(kLimit)) == "old");
}

}  // namespace
}  // namespace bulkhead::detail
