#include "state_claim.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
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
    CHECK(second.claim(file) == "in use by another plugin of this process");
    CHECK_FALSE(second.claim(folder.path() / "another"));
    first.release();
    CHECK_FALSE(second.claim(file));
    CHECK(first.claim(file) == "in use by another plugin of this process");
}

TEST_CASE("a lock is an empty file that stays, and is locked again") {
    const ScratchFolder folder;
    for (int life = 0; life < 2; ++life) {
        StateClaim claim;
        CHECK_FALSE(claim.claim(folder.path() / "state"));
        CHECK(std::filesystem::file_size(folder.path() / "state.bulkhead-lock") == 0);
    }
    CHECK(std::filesystem::exists(folder.path() / "state.bulkhead-lock"));
}

TEST_CASE("where there can be no state file nothing is refused") {
    const ScratchFolder folder;
    StateClaim claim;
    CHECK_FALSE(claim.claim(folder.path() / "missing" / "state"));
}

TEST_CASE("what is no lock is not opened, and the state file not used") {
    const ScratchFolder folder;
    const auto lock = folder.path() / "state.bulkhead-lock";
    StateClaim claim;
    SUBCASE("a link") { std::filesystem::create_symlink("elsewhere", lock); }
    SUBCASE("a folder") { std::filesystem::create_directory(lock); }
    CHECK(claim.claim(folder.path() / "state") == "not to be used: its lock beside it is not a plain file");
    CHECK_FALSE(std::filesystem::exists(folder.path() / "elsewhere"));
}

TEST_CASE("without a descriptor for the lock a state file is not used") {
    const ScratchFolder folder;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{0, before.rlim_max};
    StateClaim claim;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto refusal = claim.claim(folder.path() / "state");
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(refusal == "not to be used: its lock beside it cannot be opened: Too many open files");
    CHECK_FALSE(claim.claim(folder.path() / "state"));
}

// A child that claims the file when it is asked to, and waits for its end.
class OtherProcess {
  public:
    explicit OtherProcess(const std::filesystem::path& file) {
        std::array<int, 2> ends;
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[0]);
            StateClaim claim;
            for (char byte = 0; ::read(ends[1], &byte, 1) == 1;) {
                const char answer = claim.claim(file) ? 'n' : 'y';
                (void)!::write(ends[1], &answer, 1);
            }
            ::_exit(0);
        }
        ::close(ends[1]);
        socket_ = ends[0];
    }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    ~OtherProcess() {
        kill();
        ::close(socket_);
    }
    pid_t pid() const noexcept { return pid_; }
    bool claims() const {
        char byte = '?';
        REQUIRE(::write(socket_, &byte, 1) == 1);
        REQUIRE(::read(socket_, &byte, 1) == 1);
        return byte == 'y';
    }
    void kill() noexcept {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        pid_ = 0;
    }

  private:
    pid_t pid_ = 0;
    int socket_ = -1;
};

TEST_CASE("another process has a state file until its end, however it ends") {
    const ScratchFolder folder;
    const auto file = folder.path() / "state";
    OtherProcess other(file);
    REQUIRE(other.claims());
    StateClaim claim;
    CHECK(claim.claim(file) == "in use by process " + std::to_string(other.pid()));
    other.kill();
    CHECK_FALSE(claim.claim(file));
}

TEST_CASE("a child that a process forks has nothing of its claims, and takes nothing from them") {
    const ScratchFolder folder;
    const auto file = folder.path() / "state";
    const OtherProcess stranger(file);
    auto claim = std::make_unique<StateClaim>();
    REQUIRE_FALSE(claim->claim(file));
    const OtherProcess heir(file);
    CHECK_FALSE(heir.claims());
    const pid_t child = ::fork();
    if (child == 0) {
        claim.reset();
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    CHECK_FALSE(stranger.claims());
    claim.reset();
    CHECK(heir.claims());  // it does not remember what its parent had
}

}  // namespace
}  // namespace bulkhead::detail
