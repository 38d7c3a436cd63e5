// The state file when the disk is full, files are limited, or its writer is killed.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>

#include "state_file.hpp"
#include "support/random.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

using testing::ScratchFolder;
using transport::testing::Random;

constexpr std::uint64_t kLimit = 1 << 20;
constexpr int kSkipped = 77;

std::vector<std::byte> filled(std::size_t size, unsigned value) {
    return std::vector<std::byte>(size, static_cast<std::byte>(value));
}

// Runs in a process of its own; the number of the first check that failed, 0 for none.
int in_child(const std::function<int()>& checks) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::_exit(checks());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE_MESSAGE(WIFEXITED(status), "signal " << WTERMSIG(status));
    return WEXITSTATUS(status);
}

bool mount_tiny_disk(const std::string& path) {
    const int spaces = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    return ::unshare(spaces) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=64k") == 0;
}

TEST_CASE("a full disk is said in a sentence, and the former state stays") {
    ScratchFolder folder;
    const std::filesystem::path path = folder.path() / "counter.state";
    const int failed = in_child([&] {
        if (!mount_tiny_disk(folder.path().string())) {
            return kSkipped;
        }
        const StateFile file(path, "counter");
        const auto old = filled(20'000, 1);
        if (file.write(1, old)) {
            return 1;
        }
        for (int round = 0; round < 10; ++round) {
            const auto error = file.write(2, filled(60'000, 2));
            if (error != "plugin counter: state file " + path.string() + " cannot be written: the disk is full") {
                return 2;
            }
            const StateReading reading = file.read(kLimit);
            if (!reading.state || reading.state->bytes != old || reading.state->version != 1) {
                return 3;
            }
        }
        // Nothing was left that would take the room from a smaller one.
        const auto next = filled(30'000, 3);
        if (file.write(3, next)) {
            return 4;
        }
        return file.read(kLimit).state->bytes == next ? 0 : 5;
    });
    if (failed == kSkipped) {
        MESSAGE("skipped: no disk can be mounted here");
        return;
    }
    CHECK(failed == 0);
}

TEST_CASE("a file that cannot be read for want of descriptors is not called bad") {
    const ScratchFolder folder;
    const StateFile file(folder.path() / "state", "keeper");
    REQUIRE_FALSE(file.write(3, filled(100, 1)));
    const int failed = in_child([&file] {
        const rlimit none{3, 3};
        if (::setrlimit(RLIMIT_NOFILE, &none) != 0) {
            return 1;
        }
        const StateReading reading = file.read(kLimit);
        return reading.unreadable && !reading.state && !reading.refusal.empty() ? 0 : 2;
    });
    CHECK(failed == 0);
    const StateReading reading = file.read(kLimit);
    CHECK_FALSE(reading.unreadable);
    CHECK(reading.state);
}

TEST_CASE("a limit on the size of files is said in a sentence and sends no signal") {
    ScratchFolder folder;
    const int failed = in_child([&] {
        const StateFile file(folder.path() / "counter.state", "counter");
        if (file.write(1, filled(500, 1))) {
            return 1;
        }
        const rlimit limit{1000, 1000};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            return 2;
        }
        const auto error = file.write(2, filled(1000, 2));
        if (!error || !error->ends_with("cannot be written: it would be larger than files may be here")) {
            return 3;
        }
        return file.read(kLimit).state->version == 1 ? 0 : 4;
    });
    CHECK(failed == 0);
}

// Writes ever newer states until it is killed; tells the number of each that is on disk.
[[noreturn]] void write_for_ever(const StateFile& file, unsigned from, int told) {
    for (unsigned number = from;; ++number) {
        if (file.write(number, filled(1 + number * 997 % 30'000, number))) {
            ::_exit(1);
        }
        if (::write(told, &number, sizeof number) != sizeof number) {
            ::_exit(2);
        }
    }
}

TEST_CASE("a writer that is killed at any moment leaves a whole state, at least as new as the last one it finished") {
    ScratchFolder folder;
    const StateFile file(folder.path() / "counter.state", "counter");
    Random random(transport::testing::choose_seed());
    unsigned newest = 0;
    for (int round = 0; round < 40; ++round) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe(ends.data()) == 0);
        const pid_t writer = ::fork();
        REQUIRE(writer >= 0);
        if (writer == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::close(ends[0]);
            write_for_ever(file, newest + 1, ends[1]);
        }
        ::close(ends[1]);
        unsigned last = 0;
        for (std::uint64_t count = 1 + random.below(3); count > 0; --count) {
            REQUIRE(::read(ends[0], &last, sizeof last) == sizeof last);
        }
        for (std::uint64_t turns = random.below(20'000); turns > 0; --turns) {  // somewhere in the next one
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        ::kill(writer, SIGKILL);
        ::waitpid(writer, nullptr, 0);
        ::close(ends[0]);
        const StateReading reading = file.read(kLimit);
        CHECK_MESSAGE(reading.refusal.empty(), reading.refusal);
        REQUIRE(reading.state);
        CHECK(reading.state->version >= last);
        CHECK(reading.state->bytes == filled(1 + reading.state->version * 997 % 30'000, reading.state->version));
        newest = reading.state->version;
    }
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) <= 2);
}

}  // namespace
}  // namespace bulkhead::detail
