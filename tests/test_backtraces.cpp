// Where a worker was when it crashed, function by function.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "support/death.hpp"
#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

std::string shown(const Report& report) {
    std::string text = report.backtrace_note + "\n";
    for (const Frame& frame : report.backtrace) {
        text += frame.module + " " + frame.function + " " + frame.file + ":" + std::to_string(frame.line) + "\n";
    }
    return text;
}

// Where the functions are, in this order, others between them or not. -1: they are not.
bool leads_through(const Report& report, const std::vector<std::string_view>& functions) {
    auto next = functions.begin();
    for (const Frame& frame : report.backtrace) {
        if (next != functions.end() && contains(frame.function, *next)) {
            ++next;
        }
    }
    return next == functions.end();
}

const Frame* frame_of(const Report& report, std::string_view function) {
    const auto found = std::find_if(report.backtrace.begin(), report.backtrace.end(),
                                    [function](const Frame& frame) { return frame.function == function; });
    return found == report.backtrace.end() ? nullptr : &*found;
}

TEST_CASE("a backtrace of C has function, file and line, from the fault to the worker's own call") {
    const Service service("perils");
    const Report report = report_of(service, "crash_in_sort");
    CAPTURE(shown(report));
    CHECK(report.backtrace_note == "");
    CHECK(leads_through(report, {"write_to_null", "compare_badly", "crash_in_sort", "bulkhead::worker::serve("}));
    REQUIRE(!report.backtrace.empty());
    const Frame& fault = report.backtrace.front();
    CHECK(fault.function == "write_to_null");
    CHECK(fault.file.ends_with("tests/victims/perils.c"));
    CHECK(fault.line > 0);
    CHECK(fault.module == "libperils.so");
    REQUIRE(report.crash);
    CHECK(fault.address == report.crash->instruction);
    CHECK(fault.offset == report.crash->instruction_offset);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they have a sort of their own
    // The C library's sort lies between the two.
    CHECK(std::any_of(report.backtrace.begin(), report.backtrace.end(),
                      [](const Frame& frame) { return frame.module == "libc.so.6"; }));
#endif
    CHECK(contains(report.backtrace.back().function, "bulkhead::worker::serve("));
}

#if !defined(__SANITIZE_THREAD__)  // leaves these signals to the kernel, see crash_handler_linux.cpp
TEST_CASE("a limit of CPU time or of a file's size that is reached has a backtrace too") {
    const auto limits = nlohmann::json{{"limits", {{"cpu_seconds", 1}, {"file_size", 1 << 20}}}};
    const Service service("perils", merged(kEndlessRestarts, limits));
    const Report cpu = report_of(service, "hang");
    CAPTURE(shown(cpu));
    CHECK(cpu.signal == SIGXCPU);
    CHECK(leads_through(cpu, {"spin", "hang_deep", "bulkhead::worker::serve("}));
    const Report file = report_of(service, "make_large_file");
    CAPTURE(shown(file));
    CHECK(file.signal == SIGXFSZ);
    CHECK(leads_through(file, {"make_large_file", "bulkhead::worker::serve("}));
}
#endif

TEST_CASE("a call through a null pointer is led back to who made it") {
    const Service service("perils");
    const Report report = report_of(service, "null_call");
    CAPTURE(shown(report));
    REQUIRE(report.backtrace.size() > 2);
    CHECK(report.backtrace[0].address == 0);
    CHECK(report.backtrace[0].module == "");
    CHECK(report.backtrace[1].function == "call_nothing");
    CHECK(report.backtrace[1].line > 0);
    CHECK(report.backtrace[2].function == "null_call");
}

TEST_CASE("a crash on a stack of the plugin's own making is followed there") {
    const Service service("perils");
    const Report report = report_of(service, "crash_on_own_stack");
    CAPTURE(shown(report));
    CHECK(leads_through(report, {"write_to_null", "crash_over_there"}));
}

TEST_CASE("a backtrace goes through the C library's abort") {
    const Service service("perils");
    const Report report = report_of(service, "abort");
    CAPTURE(shown(report));
    CHECK(leads_through(report, {"raise", "abort", "give_up", "abort_deep"}));
}

#if !defined(__SANITIZE_THREAD__)  // it runs handlers from a place of its own
TEST_CASE("a backtrace goes through a signal frame") {
    const Service service("perils");
    const Report report = report_of(service, "crash_in_signal");
    CAPTURE(shown(report));
    CHECK(leads_through(report, {"write_to_null", "crash_in_handler", "raise", "crash_in_signal"}));
}
#endif

TEST_CASE("a backtrace of C++ has demangled names, and the functions that were put into others") {
    const Service service("faulty");
    const Report report = report_of(service, "throw_through");
    CAPTURE(shown(report));
    CHECK(leads_through(report, {"abort", "faulty::throw_through(void*, bulkhead_call*, bulkhead_bytes)",
                                 "bulkhead::worker::PluginInstance::run(", "bulkhead::worker::Dispatcher::serve("}));
}

TEST_CASE("a library without a build id is known by its segments") {
    const Service service("thrower");
    const Report report = report_of(service, "throw_in_thread", "no luck");
    CAPTURE(shown(report));
    CHECK(leads_through(report, {"abort", "throw_a_sentence"}));
}

TEST_CASE("a stack overflow's backtrace says that it is not all there") {
    const Service service;
    for (const char* method : {"overflow_stack", "overflow_thread_stack"}) {
        const Report report = report_of(service, method);
        CAPTURE(shown(report));
        CHECK(report.backtrace.size() >= 32);
        CHECK(leads_through(report, {"recurse", "recurse", "recurse"}));
        CHECK(contains(report.backtrace_note, "was not copied"));
    }
}

TEST_CASE("a smashed stack's backtrace says where it ends") {
    const Service service;
    const Report report = report_of(service, "smash_stack");
    CAPTURE(shown(report));
    REQUIRE(!report.backtrace.empty());
    if (report.cause == Cause::crash) {  // else the compiler's own check was faster
        CHECK(frame_of(report, "overwrite_frame") != nullptr);
        CHECK(contains(report.backtrace_note, "0x5a5a5a5a5a5a5a5a"));
    }
}

TEST_CASE("a thread that crashes while no call runs has its own backtrace") {
    const Service service("perils");
    const Report report = report_of(service, "crash_while_idle");
    CAPTURE(shown(report));
    CHECK(leads_through(report, {"write_to_null", "crash_in_thread"}));
    REQUIRE(report.crash);
    CHECK_FALSE(report.crash->on_dispatcher);
}

TEST_CASE("a crash in a constructor names the library and the line") {
    DeathCollector deaths;
    HostOptions options = host_options();
    options.on_death = deaths;
    Host host = make_host(std::move(options));
    const PluginFolder folder("constructor_crash");
    const auto plugin = host.load(folder.path());
    REQUIRE(plugin.has_error());
    REQUIRE(deaths.await_count(1));
    const Report report = deaths.all().front();
    CAPTURE(shown(report));
    REQUIRE(report.crash);
    CHECK(report.crash->instruction_module == "libconstructor_crash.so");
    REQUIRE(!report.backtrace.empty());
    CHECK(report.backtrace.front().module == "libconstructor_crash.so");
}

TEST_CASE("a report that comes with an error does not wait for its backtrace") {
    const Service service("perils");
    const auto outcome = service.plugin().call("abort", "");
    REQUIRE(outcome.has_error());
    REQUIRE(outcome.error().report);
    CHECK(outcome.error().report->backtrace.empty());
    REQUIRE(service.deaths().await_count(1));
    CHECK(outcome.error().report->id == service.deaths().all().front().id);
}

TEST_CASE("a death that left nothing to read says why it has no backtrace") {
    const Service service;
    CHECK(report_of(service, "exit", "3").backtrace_note == "none: it ended by itself");
    const Report report = report_of(service, "raise", std::to_string(SIGKILL));
    CHECK(report.backtrace.empty());
    CHECK(report.backtrace_note.starts_with("none: what ended it came from outside"));
}

TEST_CASE("a host that ends delivers its last report, with the backtrace") {
    Service service("perils");
    const auto outcome = service.plugin().call("abort", "");
    REQUIRE(outcome.has_error());
    service.end_host();
    REQUIRE(service.deaths().all().size() == 1);
    CHECK(leads_through(service.deaths().all().front(), {"abort", "give_up"}));
}

TEST_CASE("each of many deaths at once is reported once, with a backtrace or a note") {
    constexpr std::size_t kPlugins = 12;
    constexpr std::size_t kRounds = 5;
    DeathCollector deaths;
    std::size_t expected = 0;
    {
        HostOptions options = host_options();
        options.on_death = deaths;
        Host host = make_host(std::move(options));
        std::vector<Plugin> plugins;
        for (std::size_t number = 0; number < kPlugins; ++number) {
            const PluginFolder folder("perils",
                                      merged(kEndlessRestarts, {{"name", "perils" + std::to_string(number)}}));
            plugins.push_back(load(host, folder));
        }
        for (std::size_t round = 0; round < kRounds; ++round) {
            for (const Plugin& plugin : plugins) {
                CHECK(plugin.call("abort", "").has_error());
                ++expected;
            }
        }
    }
    const auto all = deaths.all();
    CHECK(all.size() == expected);
    std::vector<std::string> ids;
    for (const Report& report : all) {
        ids.push_back(report.id);
        CHECK((leads_through(report, {"give_up"}) || !report.backtrace_note.empty()));
    }
    std::sort(ids.begin(), ids.end());
    CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE("reports come in the order of deaths, whichever takes longer to explain") {
    const Service service;
    constexpr int kRounds = 20;
    for (int round = 0; round < kRounds; ++round) {
        CHECK(service.plugin().call("abort", "").has_error());                       // has a stack to be read
        CHECK(service.plugin().call("raise", std::to_string(SIGKILL)).has_error());  // has none
    }
    REQUIRE(service.deaths().await_count(2 * kRounds));
    std::uint32_t lives_before = 0;
    for (const Report& report : service.deaths().all()) {
        CHECK(report.restarts == lives_before);
        ++lives_before;
    }
}

TEST_CASE("a stack is read by another process when the first one that was to read it was killed") {
    // Needs no other worker: the blank that is there is for the stack.
    const Service service("perils", {{"supervision", {{"policy", "temporary"}}}});
    const Family family = await_family_of(::getpid());
    REQUIRE(::kill(family.blank, SIGSTOP) == 0);
    REQUIRE(service.plugin().call("crash_in_sort", "").has_error());
    REQUIRE(eventually([&] {  // it has the order: there is another blank
        const auto all = descendants_of(::getpid());
        return std::count_if(all.begin(), all.end(),
                             [](const ProcessStatus& process) { return process.name == "bulkhead-blank"; }) == 2;
    }));
    REQUIRE(::kill(family.blank, SIGKILL) == 0);
    REQUIRE(service.deaths().await_count(1));
    const Report report = service.deaths().all().front();
    CAPTURE(shown(report));
    CHECK(leads_through(report, {"write_to_null", "compare_badly", "crash_in_sort"}));
}

TEST_CASE("a report is delivered once though the fork server dies with its explainer") {
    const Service service;
    for (int round = 0; round < 10; ++round) {
        const auto outcome = service.plugin().call("abort", "");
        REQUIRE(outcome.has_error());
        ::kill(await_family_of(::getpid()).fork_server, SIGKILL);
        REQUIRE(outcome.error().report);
        const auto is_it = [id = outcome.error().report->id](const Report& report) { return report.id == id; };
        CHECK(service.deaths().await(
            [&](const std::vector<Report>& all) { return std::any_of(all.begin(), all.end(), is_it); }));
        CHECK(service.serves_again());
        const auto all = service.deaths().all();
        CHECK(std::count_if(all.begin(), all.end(), is_it) == 1);
    }
}

}  // namespace
}  // namespace bulkhead::tests
