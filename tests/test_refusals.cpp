// Law 9: a plugin that cannot be used is refused in one clear sentence, and nothing else stops.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "support/outcomes.hpp"
#include "support/refusals.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

struct Refused {
    const char* plugin;
    std::vector<std::string_view> words;  // besides the plugin's name
};

// Every folder of tests/plugins but those that are fine.
const std::vector<Refused> kRefused = {
    {"no_library", {"libno_library.so", "there is no file"}},
    {"not_a_library", {"libnot_a_library.so", "ELF"}},
    {"truncated", {"libtruncated.so", "truncated"}},
    {"wrong_architecture", {"libwrong_architecture.so", "aarch64"}},
    {"missing_dependency", {"libmissing_dependency.so", "libgone.so", "not found"}},
    {"private_dependency_without_soname", {"libnameless.so", "SONAME"}},
    {"undefined_symbol", {"libundefined_symbol.so", "nobody_defines_this"}},
    {"no_entry", {"libno_entry.so", "bulkhead_plugin"}},
    {"null_entry", {"libnull_entry.so", "bulkhead_plugin", "null"}},
    {"wrong_abi", {"libwrong_abi.so", "ABI 99", "1"}},
    {"short_table", {"libshort_table.so", "table", "bytes"}},
    {"bad_method_size", {"libbad_method_size.so", "methods", "bytes"}},
    {"no_create", {"libno_create.so", "create"}},
    {"no_destroy", {"libno_destroy.so", "destroy"}},
    {"null_methods", {"libnull_methods.so", "methods are null"}},
    {"too_many_methods", {"libtoo_many_methods.so", "257", "256"}},
    {"nameless_method", {"libnameless_method.so", "method number 0", "no name"}},
    {"null_method_name", {"libnull_method_name.so", "method number", "no name"}},
    {"long_method_name", {"liblong_method_name.so", "59 bytes"}},
    {"duplicate_methods", {"libduplicate_methods.so", "two of its methods"}},
    {"null_run", {"libnull_run.so", "no function"}},
    {"constructor_crash", {"crashed with SIG", "library was being loaded"}},
    {"create_fails", {"the licence has expired"}},
    {"create_exits", {"exited with code 5", "create function"}},
    {"create_hangs", {"2000 ms", "create function"}},
};

TEST_CASE("every unusable plugin is refused in one sentence that names plugin, library and cause") {
    const Snapshot before = Snapshot::take();
    {
        Service neighbour("greeter");
        std::set<std::string> seen{"sound", "private_dependency", "no_methods", "odd_handle", "only_for_linking"};
        for (const Refused& refused : kRefused) {
            CAPTURE(refused.plugin);
            seen.insert(refused.plugin);
            const Error error = refusal_of(neighbour.host(), built_plugin(refused.plugin));
            CHECK(error.code == ErrorCode::load_failed);
            CHECK(error.effect == Effect::none);
            check_sentence(error.message, {"plugin " + std::string(refused.plugin)});
            for (const std::string_view word : refused.words) {
                CHECK_MESSAGE(contains(error.message, word), "'" << word << "' is not in: " << error.message);
            }
            CHECK(summary(neighbour.plugin().call("greet", "you")) == "ok: Hello, you!");
        }
        for (const auto& entry : fs::directory_iterator(built_plugin("sound").parent_path())) {
            if (fs::exists(entry.path() / "plugin.json")) {
                CHECK_MESSAGE(seen.contains(entry.path().filename()), entry.path().filename() << " is not looked at");
            }
        }
        CHECK(neighbour.plugin().stats().deaths == 0);
        CHECK(neighbour.host().plugins().size() == 1);
    }
    CHECK(before.leftovers() == "");
}

TEST_CASE("a plugin that was refused can be loaded when it has been repaired") {
    Host host = make_host();
    const PluginFolder folder("greeter");
    const fs::path library = folder.path() / "libgreeter.so";
    fs::rename(library, folder.path() / "away");
    refusal_of(host, folder.path());
    fs::rename(folder.path() / "away", library);
    const Plugin plugin = load(host, folder);
    CHECK(summary(plugin.call("greet", "you")) == "ok: Hello, you!");
}

TEST_CASE("a plugin with private dependencies is fine, wherever the server's current folder is") {
    Host host = make_host();
    const Plugin plugin = load(host, built_plugin("private_dependency"));
    CHECK(plugin.call("help", "").has_value());
}

TEST_CASE("a plugin without methods has nothing to call, and says so") {
    Host host = make_host();
    const Plugin plugin = load(host, built_plugin("no_methods"));
    CHECK(plugin.methods().empty());
    CHECK(summary(plugin.call("echo", "")) == "no_such_method/none");
}

TEST_CASE("a library that is a folder, a device or unreadable is refused") {
    Host host = make_host();
    const PluginFolder folder("greeter");
    const fs::path library = folder.path() / "libgreeter.so";
    fs::remove(library);
    fs::create_directory(library);
    check_sentence(refusal_of(host, folder.path()).message, {"plugin greeter", "libgreeter.so", "is not a file"});
    fs::remove(library);
    fs::create_symlink("/dev/zero", library);
    check_sentence(refusal_of(host, folder.path()).message, {"plugin greeter", "libgreeter.so", "is not a file"});
    fs::remove(library);
    REQUIRE(::mkfifo(library.c_str(), 0600) == 0);
    check_sentence(refusal_of(host, folder.path()).message, {"plugin greeter", "libgreeter.so", "is not a file"});
    fs::remove(library);
    fs::create_symlink("libgreeter.so", library);
    check_sentence(refusal_of(host, folder.path()).message, {"plugin greeter", "libgreeter.so", "symbolic links"});
}

TEST_CASE("a library that is empty, or full of zeroes, is refused") {
    Host host = make_host();
    const PluginFolder folder("greeter");
    const fs::path library = folder.path() / "libgreeter.so";
    std::ofstream(library, std::ios::trunc).flush();
    check_sentence(refusal_of(host, folder.path()).message, {"plugin greeter", "libgreeter.so"});
    std::ofstream(library, std::ios::trunc) << std::string(100'000, '\0');
    check_sentence(refusal_of(host, folder.path()).message, {"plugin greeter", "libgreeter.so", "ELF"});
}

TEST_CASE("two plugins cannot have the same name, and names without a plugin are told") {
    Service service("greeter");
    const auto again = service.host().load(service.folder().path());
    REQUIRE(again.has_error());
    CHECK(again.error().code == ErrorCode::invalid_argument);
    check_sentence(again.error().message, {"'greeter'", "loaded already"});

    const auto nobody = service.host().plugin("nobody");
    REQUIRE(nobody.has_error());
    CHECK(nobody.error().code == ErrorCode::no_such_plugin);
    check_sentence(nobody.error().message, {"'nobody'"});
    const auto unloaded = service.host().unload("nobody");
    REQUIRE(unloaded.has_error());
    CHECK(unloaded.error().code == ErrorCode::no_such_plugin);
    CHECK(service.host().plugin("greeter").has_value());
}

TEST_CASE("a method that the manifest names and the plugin lacks is told by name") {
    Host host = make_host();
    const PluginFolder folder("greeter", {{"methods", {{"gret", {{"idempotent", true}}}}}});
    const Error error = refusal_of(host, folder.path());
    CHECK(error.code == ErrorCode::load_failed);
    check_sentence(error.message, {"plugin greeter", "'gret'", "manifest"});
}

struct StartFault {
    const char* fault;
    std::vector<std::string_view> words;
};

TEST_CASE("an instance that crashes, exits, fails or hangs at its creation is told as what it did") {
    Host host = make_host();
    for (const StartFault& start : std::vector<StartFault>{{"crash", {"SIGSEGV", "create"}},
                                                           {"exit", {"exited with code 7", "create"}},
                                                           {"fail", {"told to fail at start"}},
                                                           {"hang", {"300 ms", "create"}}}) {
        CAPTURE(start.fault);
        const PluginFolder folder("faulty",
                                  {{"config", {{"start", start.fault}}}, {"supervision", {{"start_ms", 300}}}});
        const Error error = refusal_of(host, folder.path());
        CHECK(error.code == ErrorCode::load_failed);
        CHECK(error.report != nullptr);
        check_sentence(error.message, {"plugin faulty"});
        for (const std::string_view word : start.words) {
            CHECK_MESSAGE(contains(error.message, word), error.message);
        }
    }
}

TEST_CASE("an instance that crashes, exits or fails when it is activated is told as what it did") {
    for (const StartFault& start : std::vector<StartFault>{
             {"crash", {"SIGSEGV"}}, {"exit", {"exited with code 7"}}, {"fail", {"told to fail at activate"}}}) {
        CAPTURE(start.fault);
        Host host = make_host();
        const PluginFolder folder("faulty", {{"config", {{"activate", start.fault}}}});
        // The load itself may be over before the plugin is activated; then the calls tell.
        const auto plugin = host.load(folder.path());
        std::string message;
        if (plugin.has_error()) {
            message = plugin.error().message;
            CHECK(plugin.error().code == ErrorCode::load_failed);
        } else {
            const auto outcome = plugin->call("echo", "x");
            CHECK(summary(outcome) == "unavailable/none");
            message = sentence(outcome);
        }
        check_sentence(message, {"plugin faulty"});
        for (const std::string_view word : start.words) {
            CHECK_MESSAGE(contains(message, word), message);
        }
    }
}

}  // namespace
}  // namespace bulkhead::tests
