// A server that forks while calls go on. Its children are copies of it, host and all, and end like every program: by
// leaving main.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "programs/server.hpp"
#include "support/places.hpp"
#include "support/snapshot.hpp"

using namespace bulkhead::programs;

namespace {

struct Callers {
    std::atomic<bool> stop{false};
    std::atomic<int> running{0};
    std::atomic<long> answered{0};

    // Detached: a forked child has no such threads, and must not wait for them.
    void start(const bulkhead::Plugin& plugin) {
        ++running;
        std::thread([this, plugin] {
            for (long turn = 0; !stop; ++turn) {
                expect_echo(plugin, "turn " + std::to_string(turn));
                ++answered;
            }
            --running;
        }).detach();
    }
};

// A sanitizer's allocator does not survive a fork while other threads use it: the child would wait for its locks.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

Callers callers;  // outlives the threads

int wait_for(pid_t child) {
    int status = 0;
    expect(::waitpid(child, &status, 0) == child, "a child of the server's own is gone");
    return status;
}

// A program without close-on-exec descriptors of ours: it prints those it has.
void expect_no_descriptors_in_children(const std::string& program) {
    pid_t child = 0;
    char* const arguments[] = {const_cast<char*>(program.c_str()), nullptr};
    expect(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ) == 0, "spawn failed");
    expect(wait_for(child) == 0, "a program that the server starts inherits descriptors");
}

}  // namespace

int main(int, char** arguments) {
    ::close_range(3, ~0U, 0);  // what this program was started with is not the host's doing
    const int turns = std::atoi(arguments[1]);
    const std::string lister = bulkhead::tests::built_program("has_three_descriptors").string();
    const auto before = bulkhead::tests::Snapshot::take();
    for (const auto& [number, target] : before.descriptors) {
        if (number > STDERR_FILENO) {  // of whoever started this program; not what is looked at
            ::fcntl(number, F_SETFD, FD_CLOEXEC);
        }
    }
    bool in_child = false;
    {
        auto host = make_host();
        const auto plugin = load(host, "faulty", kTireless);
        const auto greeter = load(host, "greeter");
        expect(host.unload("greeter").has_value(), "a plugin cannot be unloaded");  // its handle stays
        callers.start(plugin);
        callers.start(plugin);
        for (int turn = 0; turn < turns && !in_child; ++turn) {
            const pid_t child = ::fork();
            if (child == 0) {
                if constexpr (kSanitized) {
                    ::_exit(0);
                }
                in_child = true;
                break;
            }
            expect_echo(plugin, "beside a child");
            const int status = wait_for(child);
            expect(status == 0, "a forked child ended with status " + std::to_string(status));
            expect_no_descriptors_in_children(lister);
            if (turn % 10 == 0) {
                const auto outcome = plugin.call("segfault", "");
                expect(outcome.has_error(), "a crash is no crash");
            }
        }
        if (!in_child) {
            const long answered = callers.answered;
            expect_echo(plugin, "after all children");
            expect(answered > 0, "the callers did nothing");
            callers.stop = true;
            while (callers.running > 0) {
                std::this_thread::yield();
            }
        }
        if (in_child) {
            return 0;
        }
    }
    expect(before.leftovers().empty(), before.leftovers());
    say("done");
    return 0;
}
