// The benchmarks run, and their rows have the shape that scripts read. The figures are not judged: a busy machine has
// others.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "benchmark.hpp"
#include "common/samples.hpp"
#include "common/wording.hpp"
#include "cores.hpp"
#include "fresh_process.hpp"
#include "options.hpp"
#include "rounds.hpp"

using namespace bulkhead::bench;
using namespace std::chrono_literals;

namespace {

// A file name in a temporary folder of its own.
class ScratchFile {
  public:
    ScratchFile() {
        std::string name = (std::filesystem::temp_directory_path() / "bulkhead-bench-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    ~ScratchFile() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    std::filesystem::path path() const { return folder_ / "rows.json"; }

  private:
    std::filesystem::path folder_;
};

// `before` is what the shell does first.
int run_bench(const std::string& arguments, const std::string& before = "") {
    const int status = std::system((before + BULKHEAD_BENCH " " + arguments + " >/dev/null").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

nlohmann::json rows_in(const ScratchFile& file) {
    std::ifstream stream(file.path());
    return nlohmann::json::parse(stream);
}

// "name metric" of each row.
std::set<std::string> names_of(const nlohmann::json& rows) {
    std::set<std::string> names;
    for (const auto& row : rows) {
        CAPTURE(row.dump());
        CHECK(row.at("reference_value").get<double>() > 0);
        names.insert(row.at("name").get<std::string>() + " " + row.at("metric").get<std::string>());
    }
    return names;
}

Options parse(std::vector<std::string> arguments) {
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    return parse_options(pointers);
}

}  // namespace

TEST_CASE("a quick run of call and recovery writes its rows as JSON") {
    const ScratchFile file;
    REQUIRE(run_bench("--quick call recovery --json " + file.path().string()) == 0);

    const auto rows = rows_in(file);
    REQUIRE(rows.is_array());
    for (const auto& row : rows) {
        CAPTURE(row.dump());
        CHECK(row.size() == 7);
        CHECK(row.at("unit") == "us");
        CHECK_FALSE(row.at("reference").get<std::string>().empty());
        const double value = row.at("value").get<double>();
        const double reference = row.at("reference_value").get<double>();
        CHECK(value > 0);
        CHECK(reference > 0);
        CHECK(row.at("ratio").get<double>() == doctest::Approx(value / reference));
    }
    std::set<std::string> expected = {
        "recovery.cold p50",         "recovery.cold p99",          "recovery.kill p50",
        "recovery.kill p99",         "recovery.standby.fault p50", "recovery.standby.fault p99",
        "recovery.standby.kill p50", "recovery.standby.kill p99",  "recovery.neighbours p99"};
    if (Cores().enough_to_pin()) {
        for (const char* name : {"call.spin", "call.async", "call.park", "call.park.one_core"}) {
            expected.insert(std::string(name) + " p50");
            expected.insert(std::string(name) + " p99");
        }
    }
    CHECK(names_of(rows) == expected);
}

TEST_CASE("a quick run of the benchmarks with many plugins writes their rows") {
    const ScratchFile file;
    REQUIRE(run_bench("--quick fanout load neighbour --json " + file.path().string()) == 0);

    CHECK(names_of(rows_in(file)) == std::set<std::string>{"fanout.100 p50", "fanout.1000 p50", "load time", "load pss",
                                                           "load fds", "load cpu", "neighbour work"});
}

TEST_CASE("a quick run of the benchmarks of many calls and of large ones writes their rows") {
    const ScratchFile file;
    REQUIRE(run_bench("--quick pipeline threads payload zerocopy --json " + file.path().string()) == 0);

    std::set<std::string> expected;
    if (Cores().enough_to_pin()) {
        expected = {"pipeline rate", "zerocopy p50", "zerocopy p99"};
        for (const char* size : {"1KiB", "64KiB", "1MiB", "16MiB", "64MiB"}) {
            expected.insert("payload." + std::string(size) + " p50");
        }
        for (const char* callers : {"1", "2", "4", "8"}) {
            for (const char* metric : {"rate", "share", "wait"}) {
                expected.insert("threads." + std::string(callers) + " " + metric);
            }
        }
    }
    CHECK(names_of(rows_in(file)) == expected);
}

TEST_CASE("a benchmark that cannot measure is missed in the status, and takes no other's rows with it") {
    const ScratchFile file;
    CHECK(run_bench("--quick load neighbour 2>/dev/null --json " + file.path().string(), "ulimit -n 200; ") == 1);
    CHECK(names_of(rows_in(file)) == std::set<std::string>{"neighbour work"});
}

TEST_CASE("what is measured in a fresh process comes back, also why it could not be") {
    const pid_t self = ::getpid();
    CHECK(in_fresh_process([] { return ::getppid(); }) == self);
    CHECK_THROWS_WITH_AS(in_fresh_process([]() -> int { throw std::runtime_error("no such thing"); }), "no such thing",
                         std::runtime_error);
    CHECK_THROWS_WITH_AS(in_fresh_process([]() -> int { ::_exit(3); }), "a fresh process died while it measured",
                         std::runtime_error);
    CHECK(catalogue().front().name == "load");  // whose processes are only as fresh as this one was
}

TEST_CASE("a name or an option that is not known ends the benchmarks with status 2") {
    CHECK(run_bench("nonsense 2>/dev/null") == 2);
    CHECK(run_bench("--nonsense 2>/dev/null") == 2);
}

TEST_CASE("the command line says which benchmarks run, how thoroughly, and where the rows go") {
    const Options options = parse({"call", "--json", "rows.json", "--quick"});
    CHECK(options.wants("call"));
    CHECK_FALSE(options.wants("recovery"));
    CHECK(options.json == "rows.json");
    CHECK(options.quick);
    CHECK(parse({}).wants("recovery"));
    CHECK_THROWS_WITH_AS(parse({"--json"}), "--json needs the name of a file", std::invalid_argument);
}

TEST_CASE("a row has the medians of its rounds, so one spoiled round does not count") {
    Rounds rounds("a.row", "p50", "us", "a reference");
    rounds.add(3, 1);
    rounds.add(1000, 2);
    rounds.add(4, 900);
    const Row row = rounds.row();
    CHECK(row.value == 4);
    CHECK(row.reference_value == 2);
    CHECK(row.ratio() == 2);
    CHECK(median({1, 2, 3, 10}) == 2.5);
    CHECK(median({}) == 0);
}

TEST_CASE("the longest wait of a row is the longest of all rounds") {
    Rounds rounds("a.row", "wait", "ms", "a reference");
    rounds.add(3, 1);
    rounds.add(12, 2);
    rounds.add(4, 9);
    const Row row = rounds.row_of_largest();
    CHECK(row.value == 12);
    CHECK(row.reference_value == 9);
}

TEST_CASE("a quantile of samples is one of them") {
    bulkhead::demo::Samples samples;
    CHECK(samples.quantile(0.5) == 0ns);
    for (const auto value : {4ns, 1ns, 3ns, 2ns}) {
        samples.add(value);
    }
    CHECK(samples.quantile(0) == 1ns);
    CHECK(samples.quantile(0.5) == 2ns);
    CHECK(samples.quantile(0.99) == 4ns);
    CHECK(samples.longest() == 4ns);
}

TEST_CASE("numbers are written as people read them") {
    using namespace bulkhead::demo;
    CHECK(grouped(0) == "0");
    CHECK(grouped(123) == "123");
    CHECK(grouped(1234567) == "1,234,567");
    CHECK(duration_text(140ns) == "0.14 us");
    CHECK(duration_text(27'345ns) == "27.3 us");
    CHECK(duration_text(999'900ns) == "1.00 ms");
    CHECK(duration_text(3s) == "3.00 s");
    CHECK(size_text(std::uint64_t{64} << 20) == "64 MiB");
    CHECK(size_text(35'464'168) == "35.5 MB");
}
