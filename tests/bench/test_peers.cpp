// What bulkhead-bench makes of the programs of peers. Small scripts stand in for them: what they say is known.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cores.hpp"
#include "peer_program.hpp"

using namespace bulkhead::bench;
using namespace std::chrono_literals;

namespace {

// A folder of peers' programs.
class PeerFolder {
  public:
    PeerFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "bulkhead-bench-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~PeerFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    PeerFolder(const PeerFolder&) = delete;
    PeerFolder& operator=(const PeerFolder&) = delete;

    std::filesystem::path add(const std::string& name, const std::string& script) const {
        const auto program = path_ / ("peer-" + name);
        std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
        return program;
    }
    const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

// Each round trip takes a microsecond.
constexpr char kGood[] = R"(echo ready
while read -r size warm_up samples rest; do
    while [ "$samples" -gt 0 ]; do printf '1000 '; samples=$((samples - 1)); done
    echo
done)";

}  // namespace

TEST_CASE("a peer's program is asked for round trips and tells them") {
    const PeerFolder folder;
    PeerProgram program(folder.add("good", kGood), "sleeps", 64, Cores());
    for (const std::size_t count : {1U, 7U}) {
        const Samples samples = program.measure(64, 0, count, 0us);
        CHECK(samples.count() == count);
        CHECK(samples.longest() == 1us);
    }
}

TEST_CASE("a peer's program that cannot do it says why") {
    const PeerFolder folder;
    const Cores cores;
    CHECK_THROWS_WITH_AS(PeerProgram(folder.add("unable", "echo failed: it cannot spin"), "spins", 64, cores),
                         "it cannot spin", PeerUnavailable);
    CHECK_THROWS_WITH_AS(PeerProgram(folder.add("silent", "exit 1"), "spins", 64, cores), "its program ended",
                         PeerUnavailable);
    CHECK_THROWS_AS(PeerProgram(folder.path() / "peer-missing", "spins", 64, cores), PeerUnavailable);

    PeerProgram mortal(folder.add("mortal", "echo ready; read -r order"), "spins", 64, cores);
    CHECK_THROWS_WITH_AS(mortal.measure(64, 0, 1, 0us), "its program ended", PeerUnavailable);
    CHECK_THROWS_AS(mortal.measure(64, 0, 1, 0us), PeerUnavailable);

    PeerProgram sparing(folder.add("sparing", "echo ready; read -r order; echo 1000; read -r order"), "spins", 64,
                        cores);
    CHECK_THROWS_AS(sparing.measure(64, 0, 2, 0us), PeerUnavailable);
}

TEST_CASE("a peer that cannot be had is left out, and the others are measured") {
    if (!Cores().enough_to_pin()) {
        return;  // so is the whole benchmark
    }
    const PeerFolder folder;
    folder.add("unix_socket", kGood);
    folder.add("grpc", "echo failed: it has no port");
    const auto json = folder.path() / "rows.json";
    const std::string command = BULKHEAD_BENCH " --quick peers --peers " + folder.path().string() + " --json " +
                                json.string() + " >/dev/null 2>" + (folder.path() / "said").string();
    REQUIRE(WEXITSTATUS(std::system(command.c_str())) == 0);

    std::set<std::string> found;
    std::ifstream stream(json);
    for (const auto& row : nlohmann::json::parse(stream)) {
        found.insert(row.at("name").get<std::string>() + " " + row.at("metric").get<std::string>());
        CHECK(row.at("value").get<double>() > 0);
        CHECK(row.at("reference_value").get<double>() == 1);  // the peer's
    }
    CHECK(found == std::set<std::string>{"peers.64B.unix_socket p50", "peers.64B.unix_socket p99",
                                         "peers.1MiB.unix_socket p50", "peers.1MiB.unix_socket p99",
                                         "peers.64B.unix_socket_parked p50", "peers.64B.unix_socket_parked p99",
                                         "peers.1MiB.unix_socket_parked p50", "peers.1MiB.unix_socket_parked p99"});
    std::ifstream said(folder.path() / "said");
    const std::string text(std::istreambuf_iterator<char>(said), {});
    CHECK(text.find("the peer grpc is left out: it has no port") != std::string::npos);
}

TEST_CASE("without a folder of peers the row is left out, and says how to get it") {
    const PeerFolder folder;
    const auto said_to = (folder.path() / "said").string();
    REQUIRE(WEXITSTATUS(std::system((BULKHEAD_BENCH " --quick peers >/dev/null 2>" + said_to).c_str())) == 0);
    std::ifstream said(said_to);
    const std::string text(std::istreambuf_iterator<char>(said), {});
    CHECK(text.find(Cores().enough_to_pin() ? "scripts/bench peers" : "only one core") != std::string::npos);
}
