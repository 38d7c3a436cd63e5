#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "victim.hpp"

using bulkhead::plugin::testing::FakeWorker;
using faulty::Victim;

namespace {

struct Fixture {
    FakeWorker worker{bulkhead_plugin()};
    Fixture() { REQUIRE(worker.create() == 0); }
    bool lists(const char* method, const std::string& line) {
        const std::string text = "\n" + worker.call(method).text;
        return text.find("\n" + line + "\n") != std::string::npos;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "open_fds lists the open descriptors and not the one it looks with") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const auto link = [](int file) {
        return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file)).string();
    };
    CHECK(lists("open_fds", std::to_string(ends[0]) + " " + link(ends[0])));
    CHECK(lists("open_fds", std::to_string(ends[1]) + " " + link(ends[1])));
    ::close(ends[0]);
    ::close(ends[1]);
    CHECK(worker.call("open_fds").text.find("/proc/") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "environment lists all variables") {
    ::setenv("BULKHEAD_FAULTY_TEST", "a value", 1);
    CHECK(lists("environment", "BULKHEAD_FAULTY_TEST=a value"));
    ::unsetenv("BULKHEAD_FAULTY_TEST");
    CHECK_FALSE(lists("environment", "BULKHEAD_FAULTY_TEST=a value"));
}

TEST_CASE_FIXTURE(Fixture, "cwd and pid tell the folder and the process") {
    CHECK(worker.call("cwd").text == std::filesystem::current_path().string());
    CHECK(worker.call("pid").text == std::to_string(::getpid()));
}

TEST_CASE("limits tells the limits of the process by the manifest's names") {
    const auto outcome = Victim([] {
                             const rlimit files{123, 123};
                             const rlimit time{RLIM_INFINITY, RLIM_INFINITY};
                             ::setrlimit(RLIMIT_NOFILE, &files);
                             ::setrlimit(RLIMIT_CPU, &time);
                             FakeWorker worker(bulkhead_plugin());
                             worker.create();
                             std::printf("%s", worker.call("limits").text.c_str());
                             std::fflush(stdout);
                             return 0;
                         }).wait();
    CHECK(outcome.output.find("open_files 123\n") != std::string::npos);
    CHECK(outcome.output.find("cpu_seconds unlimited\n") != std::string::npos);
    CHECK(outcome.output.find("core 0\n") != std::string::npos);
    for (const auto* name : {"address_space ", "file_size ", "stack "}) {
        CHECK(outcome.output.find(name) != std::string::npos);
    }
}

TEST_CASE("no_new_privs tells whether the process can gain privileges") {
    const auto answer_after = [](bool set) {
        return Victim([set] {
                   if (set) {
                       ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                   }
                   FakeWorker worker(bulkhead_plugin());
                   worker.create();
                   return worker.call("no_new_privs").text == "1" ? 1 : 0;
               })
            .wait()
            .exit_code;
    };
    CHECK(answer_after(true) == 1);
    CHECK(answer_after(false) == ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

TEST_CASE_FIXTURE(Fixture, "fork_child leaves a process in a session of its own") {
    const pid_t child = std::stoi(worker.call("fork_child").text);
    REQUIRE(child > 0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (::getsid(child) != child && std::chrono::steady_clock::now() < deadline) {
        ::sched_yield();
    }
    CHECK(::getsid(child) == child);
    ::kill(child, SIGKILL);
    CHECK(::waitpid(child, nullptr, 0) == child);
}
