// bulkhead inspect.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "support/command_line.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool has(const Json& list, const std::string& text) { return std::find(list.begin(), list.end(), text) != list.end(); }

TEST_CASE("a plugin tells its manifest, libraries, symbols, ABI and methods") {
    const Json json = bulkhead({"inspect", built_plugin("checksum").string(), "--json"}).json();
    CHECK(json["name"] == "checksum");
    CHECK(json["limits"]["payload"] == 67108864);
    CHECK(json["supervision"]["call_ms"] == 30000);
    CHECK(json["supervision"]["policy"] == "permanent");
    CHECK(json["state"]["every_calls"] == 1);
    CHECK(json["plugin_abi"] == 1);
    CHECK(json["methods"] == Json::array({{{"name", "checksum"}, {"idempotent", true}}}));
    const Json& library = json["libraries"][0];
    CHECK(library["file"] == "libchecksum.so");
    CHECK(library["exports_entry"] == true);
    CHECK(has(library["exports"], "bulkhead_plugin"));
    CHECK(has(library["needed"], "libc.so.6"));
    CHECK(library["import_count"] == library["imports"].size());
}

TEST_CASE("for people it is a page of text") {
    const Ran ran = bulkhead({"inspect", built_plugin("greeter").string()});
    CHECK(ran.code == 0);
    CHECK(ran.out.starts_with("greeter 1.0.0 in " + built_plugin("greeter").string() + "\n"));
    CHECK(ran.out.find("  deaths     permanent, 5 restarts in 10.0 s, ") != std::string::npos);
    CHECK(ran.out.find("  methods    greet\n") != std::string::npos);
    const Ran symbols = bulkhead({"inspect", built_plugin("greeter").string(), "--symbols"});
    CHECK(symbols.out.find("  exports    bulkhead_plugin\n") != std::string::npos);
    CHECK(symbols.out.find("  imports    ") != std::string::npos);
}

TEST_CASE("a library without a manifest is inspected too") {
    const Json json = bulkhead({"inspect", (built_plugin("greeter") / "libgreeter.so").string(), "--json"}).json();
    CHECK(json["name"] == "greeter");
    CHECK(json["methods"][0]["name"] == "greet");
    const Ran ran = bulkhead({"inspect", built_plugin("greeter").string() + "/libgreeter.so", "--no-start"});
    CHECK(ran.out.find("methods    not known: the plugin was not started") != std::string::npos);
}

TEST_CASE("private libraries are shown after the plugin's own") {
    const Json json = bulkhead({"inspect", built_plugin("private_dependency").string(), "--json"}).json();
    REQUIRE(json["libraries"].size() == 3);
    CHECK(json["libraries"][0]["file"] == "libprivate_dependency.so");
    CHECK(json["libraries"][1]["file"] == "libbase.so");
    CHECK(json["libraries"][2]["file"] == "libhelper.so");
    CHECK(json["libraries"][2]["exports_entry"] == false);
}

TEST_CASE("a library that is no plugin is described, and says so") {
    const fs::path library = built_plugin("private_dependency") / "libbase.so";
    const Ran ran = bulkhead({"inspect", library.string(), "--json"});
    CHECK(ran.code == 0);
    CHECK(ran.json()["methods"] == nullptr);
    CHECK(ran.json()["methods_unknown_because"] == "the library is no plugin: it exports no function bulkhead_plugin");
    CHECK(ran.json()["libraries"][0]["export_count"].get<int>() > 0);
}

TEST_CASE("a plugin that cannot be started is described as far as possible, with the reason") {
    for (const char* name : {"wrong_abi", "create_fails", "constructor_crash", "null_entry"}) {
        CAPTURE(name);
        const Ran ran = bulkhead({"inspect", built_plugin(name).string(), "--json"});
        CHECK(ran.code == 0);
        CHECK(ran.json()["methods"] == nullptr);
        CHECK(ran.json()["methods_unknown_because"].get<std::string>().starts_with("plugin " + std::string(name)));
        CHECK(ran.json()["libraries"][0]["exports_entry"] == true);
    }
}

TEST_CASE("what is no library is refused in one sentence, whatever it is") {
    const PluginFolder folder("greeter");
    const fs::path library = folder.path() / "libgreeter.so";
    const auto refused = [&](const std::string& words) {
        for (const fs::path& named : {folder.path(), library}) {
            const Ran ran = bulkhead({"inspect", named.string()});
            CHECK(ran.code == 3);
            CHECK(ran.out == "");
            CHECK(ran.err.starts_with("bulkhead: "));
            CHECK_MESSAGE(ran.err.find('\n') == ran.err.size() - 1, ran.err);
            if (named == folder.path()) {
                CHECK_MESSAGE(ran.err.find(words) != std::string::npos, ran.err);
            }
        }
    };
    fs::remove(library);
    refused("there is no file");
    fs::create_directory(library);
    refused("is not a file");
    fs::remove(library);
    std::ofstream(library) << "no ELF at all, but long enough to be looked at from all sides, as long as a header is";
    refused("it is not an ELF file");
    fs::remove(library);
    fs::create_symlink("/dev/zero", library);
    refused("libgreeter.so");
}

}  // namespace
}  // namespace bulkhead::tests
