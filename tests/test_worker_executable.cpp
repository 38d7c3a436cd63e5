// Law 9: a worker executable that cannot be used is refused when the host is made.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/program.hpp"
#include "support/refusals.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

void check_refused(const fs::path& worker, std::initializer_list<std::string_view> words) {
    CAPTURE(worker);
    HostOptions options;
    options.worker = worker;
    const auto host = Host::create(std::move(options));
    REQUIRE(host.has_error());
    CHECK(host.error().code == ErrorCode::load_failed);
    check_sentence(host.error().message, words);
    CHECK(contains(host.error().message, worker.string()));
}

TEST_CASE("a worker executable that is missing, no program, another program or of another build is refused") {
    const Snapshot before = Snapshot::take();
    {
        const ScratchFolder scratch;
        check_refused(scratch.path() / "nowhere", {"not there or not executable", "HostOptions::worker"});
        check_refused(scratch.path(), {"not there or not executable"});
        const fs::path text = scratch.path() / "text";
        std::ofstream(text) << "not a program\n";
        check_refused(text, {"not there or not executable"});
        ::chmod(text.c_str(), 0700);
        check_refused(text, {"cannot be started"});
        check_refused("/bin/true", {"not a bulkhead-worker"});
        check_refused("/bin/cat", {"not a bulkhead-worker"});
        check_refused(built_program("fake_worker_greeting"), {"not a bulkhead-worker", "greeted"});
        check_refused(built_program("fake_worker_stamp"), {"another build", "install"});
        check_refused(built_program("fake_worker_layout"), {"channel layout 2", "1"});
    }
    CHECK(before.leftovers() == "");
}

// A server in a folder of its own, where nothing of this build is near.
struct MovedServer {
    MovedServer() { fs::copy_file(built_program("makes_a_host"), scratch.path() / "server"); }

    // What it says about its host: "ok", or the error's sentence.
    std::string run(const std::vector<std::string>& arguments = {}) const {
        Program program(scratch.path() / "server", arguments);
        CHECK(program.await_end() == "exit 0");
        std::string said = program.output();
        said.pop_back();  // the line's end
        return said;
    }

    ScratchFolder scratch;
};

TEST_CASE("the worker executable is found through the environment when the options name none") {
    const MovedServer server;
    CHECK(server.run({"BULKHEAD_WORKER=" + worker_executable().string()}) == "ok");
    check_sentence(server.run({"BULKHEAD_WORKER=/nowhere/bulkhead-worker"}),
                   {"/nowhere/bulkhead-worker", "named by BULKHEAD_WORKER", "not there or not executable"});
}

TEST_CASE("the worker executable is found beside the program, in bin and in libexec, and else the places are told") {
    const MovedServer server;
    check_sentence(server.run(), {"bulkhead-worker was not found", server.scratch.path().string(), "libexec/bulkhead",
                                  "HostOptions::worker", "BULKHEAD_WORKER"});
    fs::copy_file(worker_executable(), server.scratch.path() / "bulkhead-worker");
    CHECK(server.run() == "ok");
}

TEST_CASE("a worker executable that is replaced by one of another build while the host runs is not used") {
    const ScratchFolder scratch;
    const fs::path worker = scratch.path() / "bulkhead-worker";
    fs::copy_file(worker_executable(), worker);
    HostOptions options;
    options.worker = worker;
    Service service("faulty", kEndlessRestarts, std::move(options));
    fs::remove(worker);
    fs::copy_file(built_program("fake_worker_stamp"), worker);
    const Family family = await_family_of(::getpid());
    ::kill(family.guard, SIGKILL);
    REQUIRE(await_gone(family.guard));
    CallOptions brief;
    brief.timeout = std::chrono::milliseconds(200);
    const auto meanwhile = service.plugin().call("echo", "x", brief);
    CHECK((meanwhile.has_value() || meanwhile.error().code == ErrorCode::timed_out ||
           meanwhile.error().code == ErrorCode::unavailable));
    // The right one is back: so is the plugin, unless the host keeps the executable it started with anyway.
    fs::remove(worker);
    fs::copy_file(worker_executable(), worker);
    CHECK(service.serves_again());
    CHECK(unaccounted(service.plugin().stats()) == "");
}

}  // namespace
}  // namespace bulkhead::tests
