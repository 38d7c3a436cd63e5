#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "victim.hpp"

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::FakeWorker;
using faulty::Victim;

namespace {

std::size_t resident_bytes() {
    std::size_t total = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("leak keeps what it takes") {
    FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    const std::size_t before = resident_bytes();
    CHECK(worker.call("leak", "33554432").text == "33554432");
    CHECK(resident_bytes() > before + 32'000'000);
    CHECK(worker.call("leak", "0").text == "0");
}

TEST_CASE("allocate gives back what it took") {
    FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    CHECK(worker.call("allocate", "50000000").text == "50000000");
}

TEST_CASE("leak and allocate fail when there is no more memory, and the plugin goes on" *
          doctest::skip(faulty::kSanitized)) {  // a sanitizer needs the whole address space
    const auto outcome = Victim([] {
                             const rlimit limit{std::size_t{256} << 20, std::size_t{256} << 20};
                             ::setrlimit(RLIMIT_AS, &limit);
                             FakeWorker worker(bulkhead_plugin());
                             worker.create();
                             for (const auto* method : {"leak", "allocate"}) {
                                 const Answer answer = worker.call(method, "1099511627776");
                                 std::printf("%d %s\n", static_cast<int>(answer.kind), answer.text.c_str());
                             }
                             std::printf("%s\n", worker.call("echo", "still here").text.c_str());
                             std::fflush(stdout);
                             return 0;
                         }).wait();
    CHECK(outcome.output == "1 std::bad_alloc\n1 std::bad_alloc\nstill here\n");
}
