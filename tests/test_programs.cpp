// What tests can rely on when they run a program.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/places.hpp"
#include "support/processes.hpp"
#include "support/program.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("what a program started is killed with it") {
    std::optional<Program> program(std::in_place, "/bin/sh",
                                   std::vector<std::string>{"-c", "sleep 1000 & echo $!; wait"});
    const pid_t child = std::stoi(program->await_line(""));
    CHECK(is_alive(child));
    program.reset();
    CHECK(await_gone(child));
}

TEST_CASE("a server of tests/programs that is killed leaves no file behind") {
    {
        const Program program(built_program("ignores_sigchld"));
        CHECK(eventually([&] { return !family_of(program.pid()).others.empty(); }));
    }
    CHECK(std::filesystem::is_empty(std::filesystem::temp_directory_path()));
}

TEST_CASE("a program that does not end is told once the patience is at its end, with what it printed") {
    Program program("/bin/sh", {"-c", "echo here; exec sleep 1000"});
    program.await_line("here");
    const auto begin = std::chrono::steady_clock::now();
    CHECK_THROWS_WITH_AS(program.await_end(2s), "the program still runs; it printed: here\n", std::runtime_error);
    CHECK(std::chrono::steady_clock::now() - begin < 3500ms);  // not twice
}

}  // namespace
}  // namespace bulkhead::tests
