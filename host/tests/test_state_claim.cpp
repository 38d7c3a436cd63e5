#include "state_claim.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

using testing::ScratchFolder;

TEST_CASE("a state file is claimed once") {
    const ScratchFolder folder;
    const auto file = folder.path() / "state";
    StateClaim first;
    CHECK_FALSE(first.claim(file));
    StateClaim second;
    CHECK(second.claim(file) == "another plugin of this process");
    CHECK_FALSE(second.claim(folder.path() / "another"));
    first.release();
    CHECK_FALSE(second.claim(file));
    CHECK(first.claim(file) == "another plugin of this process");
}

TEST_CASE("a claim leaves nothing behind, and a lock that a crash left is claimed again") {
    const ScratchFolder folder;
    { std::ofstream(folder.path() / "state.lock") << ""; }
    StateClaim claim;
    CHECK_FALSE(claim.claim(folder.path() / "state"));
    CHECK(std::filesystem::exists(folder.path() / "state.lock"));
    claim.release();
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("where no lock can be had nothing is refused") {
    const ScratchFolder folder;
    StateClaim claim;
    CHECK_FALSE(claim.claim(folder.path() / "missing" / "state"));
    std::filesystem::create_symlink("elsewhere", folder.path() / "linked.lock");
    CHECK_FALSE(claim.claim(folder.path() / "linked"));
    CHECK_FALSE(std::filesystem::exists(folder.path() / "elsewhere"));
}

// A child that claims the file, tells whether it could, and waits for its end.
class OtherProcess {
  public:
    explicit OtherProcess(const std::filesystem::path& file) {
        std::array<int, 2> ends;
        REQUIRE(::pipe(ends.data()) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            StateClaim claim;
            const char answer = claim.claim(file) ? 'n' : 'y';
            (void)!::write(ends[1], &answer, 1);
            for (;;) {
                ::pause();
            }
        }
        char answer = 0;
        CHECK(::read(ends[0], &answer, 1) == 1);
        has_it_ = answer == 'y';
        ::close(ends[0]);
        ::close(ends[1]);
    }
    ~OtherProcess() { kill(); }
    pid_t pid() const noexcept { return pid_; }
    bool has_it() const noexcept { return has_it_; }
    void kill() noexcept {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        pid_ = 0;
    }

  private:
    pid_t pid_ = 0;
    bool has_it_ = false;
};

TEST_CASE("another process has a state file until its end, however it ends") {
    const ScratchFolder folder;
    const auto file = folder.path() / "state";
    OtherProcess other(file);
    REQUIRE(other.has_it());
    StateClaim claim;
    CHECK(claim.claim(file) == "process " + std::to_string(other.pid()));
    other.kill();
    CHECK_FALSE(claim.claim(file));
    CHECK_FALSE(OtherProcess(file).has_it());
}

TEST_CASE("a child that a process forks has nothing of its claims, and takes nothing from them") {
    const ScratchFolder folder;
    const auto file = folder.path() / "state";
    StateClaim claim;
    REQUIRE_FALSE(claim.claim(file));
    const pid_t child = ::fork();
    if (child == 0) {
        claim.release();
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    CHECK(std::filesystem::exists(folder.path() / "state.lock"));
    CHECK_FALSE(OtherProcess(file).has_it());
}

}  // namespace
}  // namespace bulkhead::detail
