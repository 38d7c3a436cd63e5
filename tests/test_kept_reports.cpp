// What a host keeps of a death: the report with the calls around it, and a file that runs the fatal one again.
#include <doctest/doctest.h>

#include <bulkhead/host/report_folder.hpp>
#include <bulkhead/host/report_json.hpp>
#include <bulkhead/host/repro.hpp>
#include <fstream>
#include <string>
#include <string_view>

#include "support/outcomes.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

HostOptions keeping_in(const fs::path& folder) {
    HostOptions options = host_options();
    options.reports = folder;
    return options;
}

// The report of the death that the call brings about, as the hook was told it.
Report death_by(const Service& service, std::string_view method, std::string_view request,
                const CallOptions& options = {}) {
    const std::size_t before = service.deaths().all().size();
    const auto outcome = service.plugin().call(method, request, options);
    CAPTURE(sentence(outcome));
    REQUIRE(service.deaths().await_count(before + 1));
    return service.deaths().all().back();
}

std::string text_of(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Repro read(const fs::path& file) {
    auto repro = read_repro(file);
    REQUIRE_MESSAGE(repro.has_value(), repro.error().message);
    return *std::move(repro);
}

TEST_CASE("when the hook is told of a death, the report and the repro are on disk and say the same") {
    const ScratchFolder scratch;
    Service service("faulty", kEndlessRestarts, keeping_in(scratch.path() / "reports"));
    CallOptions options;
    options.timeout = std::chrono::seconds(20);
    options.trace.emplace().fill(0x1F);
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{72}, std::size_t{300'000}}) {
        CAPTURE(size);
        const std::string request(size, 'q');
        const Report report = death_by(service, "segfault", request, options);
        const auto kept = read_report(scratch.path() / "reports" / (report.id + ".json"));
        REQUIRE_MESSAGE(kept.has_value(), kept.error().message);
        CHECK(kept->text() == report.text());
        CHECK(kept->repro == report.repro);
        CHECK(kept->running_trace == options.trace);
        const Repro repro = read(report.repro);
        CHECK(repro.method == "segfault");
        CHECK(text_of(repro.request) == request);
        CHECK(repro.trace == options.trace);
        CHECK(repro.timeout == options.timeout);
        CHECK(repro.deadline_left < repro.timeout);
        CHECK(repro.manifest.directory == service.folder().path());
        CHECK(nlohmann::json::parse(repro.manifest.json)["name"] == "faulty");
        CHECK(repro.library == "libfaulty.so");
        CHECK(hash_library(repro.manifest.directory / repro.library) == repro.library_hash);
        CHECK_FALSE(repro.in_session);
        CHECK(repro.report.id == report.id);
    }
}

TEST_CASE("the repro holds the request that the worker was running, not one that waited behind it") {
    const ScratchFolder scratch;
    Service service("faulty", kEndlessRestarts, keeping_in(scratch.path()));
    const Plugin& plugin = service.plugin();
    for (int round = 0; round < 20; ++round) {
        const std::string request = "fatal " + std::to_string(round);
        REQUIRE(plugin.call("echo", "harmless").has_value());
        const Report report = death_by(service, "segfault", request);
        CHECK(text_of(read(report.repro).request) == request);
        REQUIRE(!report.recent_calls.empty());
        CHECK(report.recent_calls.front().method == "echo");
        CHECK(report.recent_calls.front().answered);
        CHECK(report.recent_calls.front().payload == 8);
        CHECK(report.running_id != 0);
        CHECK(report.running_id != report.recent_calls.front().id);
        REQUIRE(service.serves_again());
    }
}

TEST_CASE("recent calls are the last ones, the latest first, and of this life only") {
    Service service;
    for (int call = 0; call < 30; ++call) {
        REQUIRE(service.plugin().call("echo", std::string(static_cast<std::size_t>(call), 'x')).has_value());
    }
    const Report report = death_by(service, "segfault", "");
    REQUIRE(report.recent_calls.size() == 8);
    for (std::size_t index = 0; index < report.recent_calls.size(); ++index) {
        CHECK(report.recent_calls[index].payload == 29 - index);
    }
    REQUIRE(service.serves_again());
    for (const RecentCall& call : death_by(service, "abort", "").recent_calls) {
        CHECK(call.method == "pid");
    }
}

TEST_CASE("no repro is saved where none is wanted, and where it is too large") {
    const ScratchFolder scratch;
    HostOptions options = keeping_in(scratch.path());
    options.max_repro_bytes = 100;
    Service service("faulty", kEndlessRestarts, options);
    const Report large = death_by(service, "segfault", std::string(101, 'x'));
    CHECK(large.repro.empty());
    CHECK(large.repro_note == "request and state are 101 bytes, more than the limit of 100");
    CHECK(contains(large.text(), "the call was not saved: request and state are 101 bytes"));
    CHECK_FALSE(death_by(service, "segfault", std::string(100, 'x')).repro.empty());
    options.save_repros = false;
    Service without("faulty", kEndlessRestarts, options);
    CHECK(death_by(without, "segfault", "").repro.empty());
    std::size_t repros = 0;
    for (const auto& entry : fs::directory_iterator(scratch.path())) {
        repros += entry.path().extension() == ".repro" ? 1 : 0;
    }
    CHECK(repros == 1);
    CHECK(list_reports(scratch.path())->size() == 3);
}

TEST_CASE("a start that fails leaves a report, and a folder that cannot be written is said once in the log") {
    const ScratchFolder scratch;
    const fs::path file = scratch.path() / "file";
    std::ofstream(file) << "x";
    Service service("faulty", kEndlessRestarts, keeping_in(file / "reports"));
    for (int death = 0; death < 3; ++death) {
        const Report report = death_by(service, "segfault", "");
        CHECK(report.repro.empty());
        CHECK(contains(report.repro_note, "Not a directory"));
        REQUIRE(service.serves_again());
    }
    service.end_host();
    std::size_t complaints = 0;
    for (const std::string& text : service.log().texts(LogSource::host)) {
        complaints += contains(text, "its report could not be kept") ? 1 : 0;
    }
    CHECK(complaints == 1);

    LogCollector log;
    DeathCollector deaths;
    HostOptions options = keeping_in(scratch.path() / "reports");
    options.on_death = deaths;
    Host host = make_host(options);
    const PluginFolder crashing("faulty", {{"config", {{"start", "crash"}}}});
    const auto plugin = host.load(crashing.path());
    REQUIRE(plugin.has_error());
    REQUIRE(deaths.await_count(1));
    CHECK(list_reports(scratch.path() / "reports")->front().id == deaths.all().front().id);
}

}  // namespace
}  // namespace bulkhead::tests
