// Log lines that are written as a stream.
#include <doctest/doctest.h>

#include <iomanip>
#include <string>

#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::FakeWorker;

namespace {

std::string take_log() {
    std::string all;
    for (const auto& line : testing::FakeLog::take()) {
        all += std::to_string(line.level) + " " + line.text + ";";
    }
    return all;
}

struct Talker {
    std::string talk(Call& call) {
        call.log(LogLevel::warning) << "asked for " << call.bytes().size() << " bytes";
        return "said";
    }
};
constexpr auto methods = make_methods<Talker>(method<&Talker::talk>("talk"));
constexpr auto table = make_table<Talker>("talker", "1", methods);

const Services services(testing::fake_services());

}  // namespace

TEST_CASE("a statement is a line, logged when it ends") {
    take_log();
    services.log(LogLevel::info) << "port " << 8080 << std::setfill('0') << ' ' << std::setw(3) << 7;
    CHECK(take_log() == "1 port 8080 007;");
    services.log(LogLevel::error) << "with its line end\n";
    CHECK(take_log() == "3 with its line end;");
    services.log(LogLevel::debug);
    CHECK(take_log().empty());
}

TEST_CASE("each line end logs a line, an empty one too, and a flush logs what is there") {
    take_log();
    LogStream log = services.log(LogLevel::debug);
    log << "one\n\ntwo" << std::endl << "thr";
    CHECK(take_log() == "0 one;0 ;0 two;");
    log << std::flush;
    CHECK(take_log() == "0 thr;");
    log.put('e').put('e');
    CHECK(take_log().empty());
    log << '\n';
    CHECK(take_log() == "0 ee;");
}

TEST_CASE("a call has a log stream too") {
    take_log();
    FakeWorker worker(&table);
    REQUIRE(worker.create() == 0);
    CHECK(worker.call("talk", "12345").text == "said");
    CHECK(take_log() == "2 asked for 5 bytes;");
}
