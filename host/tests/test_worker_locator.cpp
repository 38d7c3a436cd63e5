#include "worker_locator.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

using testing::ScratchFolder;

// BULKHEAD_WORKER as the test wants it; afterwards as it was.
class WorkerVariable {
  public:
    explicit WorkerVariable(const char* value) {
        if (const char* before = std::getenv(kName)) {
            before_ = before;
        }
        set(value);
    }
    WorkerVariable(const WorkerVariable&) = delete;
    WorkerVariable& operator=(const WorkerVariable&) = delete;
    ~WorkerVariable() { set(before_ ? before_->c_str() : nullptr); }

  private:
    static constexpr char kName[] = "BULKHEAD_WORKER";
    static void set(const char* value) {
        if (value != nullptr) {
            ::setenv(kName, value, 1);
        } else {
            ::unsetenv(kName);
        }
    }
    std::optional<std::string> before_;
};

std::string sentence_of(const std::filesystem::path& chosen) {
    const auto found = locate_worker(chosen);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::load_failed);
    return found.error().message;
}

TEST_CASE("the path that the options name comes first and becomes absolute") {
    const ScratchFolder folder;
    const auto program = folder.write_program("my-worker");
    const auto other = folder.write_program("other");
    const WorkerVariable variable(other.c_str());
    CHECK(locate_worker(program).value() == program);
    const auto relative = std::filesystem::relative(program);
    const auto found = locate_worker(relative).value();
    CHECK(found.is_absolute());
    CHECK(std::filesystem::equivalent(found, program));
}

TEST_CASE("a path of the options that cannot be run is refused, whatever else there is") {
    const ScratchFolder folder;
    const auto other = folder.write_program("other");
    const WorkerVariable variable(other.c_str());
    const auto no_program = folder.write("text", "hello");
    for (const auto& wrong : {folder.path() / "nothing", no_program, folder.path()}) {
        const std::string sentence = sentence_of(wrong);
        CHECK(sentence.find(wrong.string()) != std::string::npos);
        CHECK(sentence.find("HostOptions::worker") != std::string::npos);
    }
}

TEST_CASE("the environment comes second") {
    const ScratchFolder folder;
    const auto program = folder.write_program("my-worker");
    const WorkerVariable variable(program.c_str());
    CHECK(locate_worker({}).value() == program);
}

TEST_CASE("a path in the environment that cannot be run is refused") {
    const ScratchFolder folder;
    const auto nothing = folder.path() / "nothing";
    const WorkerVariable variable(nothing.c_str());
    const std::string sentence = sentence_of({});
    CHECK(sentence.find(nothing.string()) != std::string::npos);
    CHECK(sentence.find("BULKHEAD_WORKER") != std::string::npos);
}

TEST_CASE("without either, the error lists every place that was looked at") {
    for (const char* value : {static_cast<const char*>(nullptr), ""}) {
        const WorkerVariable variable(value);
        const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
        const std::string sentence = sentence_of({});
        for (const auto& place : {here, here.parent_path() / "bin", here.parent_path() / "libexec" / "bulkhead"}) {
            CAPTURE(place.string());
            CHECK(sentence.find((place / "bulkhead-worker").string()) != std::string::npos);
        }
        CHECK(sentence.find("HostOptions::worker") != std::string::npos);
        CHECK(sentence.find("BULKHEAD_WORKER") != std::string::npos);
    }
}

// Run by the test below, in a process of its own.
TEST_CASE("no place in the current folder is looked at" * doctest::skip()) {
    const auto found = locate_worker({});
    const std::string looked = found ? found->string() : found.error().message;
    CHECK(looked.find(std::filesystem::current_path().string()) == std::string::npos);
}

TEST_CASE("neither the name that a program was started under nor the folder it runs in decides") {
    const ScratchFolder folder;
    folder.write("decoy", "");
    folder.write_program("bulkhead-worker");
    const WorkerVariable variable(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::chdir(folder.path().c_str()) == 0) {
            ::execl("/proc/self/exe", "decoy", "--no-skip", "-tc=no place in the current folder*", nullptr);
        }
        ::_exit(127);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace bulkhead::detail
