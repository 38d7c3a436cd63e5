// State that outlives its host: state.path.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/outcomes.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

nlohmann::json kept_in(const std::filesystem::path& file, const char* when_refused = "clean") {
    return merged(kEndlessRestarts, {{"state", {{"path", file.string()}, {"when_refused", when_refused}}}});
}

std::string call(const Service& service, const char* method, std::string_view request = "") {
    return summary(service.plugin().call(method, request));
}

TEST_CASE("the next host goes on where the last one stopped") {
    const ScratchFolder folder;
    const auto file = folder.path() / "count";
    for (int host = 1; host <= 3; ++host) {
        const Service service("keeper", kept_in(file));
        CHECK(call(service, "add", "1") == "ok: " + std::to_string(host));
        CHECK(call(service, "die") == "crashed/unknown");
        CHECK(call(service, "get") == "ok: " + std::to_string(host));
    }
    CHECK(std::filesystem::is_regular_file(file));
}

TEST_CASE("unloading and stopping leave the newest state on disk") {
    const ScratchFolder folder;
    const auto file = folder.path() / "count";
    {
        Service service("keeper", kept_in(file));
        CHECK(call(service, "add", "5") == "ok: 5");
        REQUIRE(service.plugin().stop().has_value());
        const auto copy = folder.path() / "copy";
        std::filesystem::copy_file(file, copy);
        const Service reader("keeper", kept_in(copy));
        CHECK(call(reader, "get") == "ok: 5");
    }
    Service service("keeper", kept_in(file));
    CHECK(call(service, "add", "1") == "ok: 6");
    REQUIRE(service.host().unload("keeper").has_value());
    const Service reader("keeper", kept_in(file));
    CHECK(call(reader, "get") == "ok: 6");
}

TEST_CASE("a state file that somebody keeps a state in is refused to others") {
    const ScratchFolder folder;
    const auto file = folder.path() / "count";
    const PluginFolder keeper("keeper", kept_in(file));
    Host host = make_host();
    {
        Service service("keeper", kept_in(file));
        CHECK(call(service, "add", "1") == "ok: 1");
        const auto refused = host.load(keeper.path());
        REQUIRE(refused.has_error());
        CHECK(refused.error().code == ErrorCode::load_failed);
        CHECK(contains(refused.error().message, "its state file " + file.string() + " is in use by another plugin"));
        CHECK(call(service, "add", "1") == "ok: 2");
    }
    const auto plugin = host.load(keeper.path());
    REQUIRE(plugin.has_value());
    CHECK(summary(plugin->call("get", "")) == "ok: 2");
}

TEST_CASE("a damaged file is put aside, or keeps the plugin down when the manifest says so") {
    const ScratchFolder folder;
    const auto file = folder.path() / "count";
    { std::ofstream(file) << "this is no state"; }
    const PluginFolder strict("keeper", kept_in(file, "down"));
    Host host = make_host();
    const auto refused = host.load(strict.path());
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == ErrorCode::load_failed);
    CHECK(contains(refused.error().message, file.string()));
    CHECK(std::filesystem::exists(file));

    const Service service("keeper", kept_in(file));
    CHECK(call(service, "get") == "ok: 0");
    CHECK(std::filesystem::exists(folder.path() / "count.refused"));
}

TEST_CASE("a state that load refuses keeps the plugin down for the next host too, until somebody sees to it") {
    const ScratchFolder folder;
    const auto file = folder.path() / "count";
    {
        const Service service("keeper", kept_in(file));
        REQUIRE(call(service, "add", "5") == "ok: 5");
    }
    const PluginFolder broken("keeper", merged(kept_in(file, "down"), {{"config", {{"fault", "refuse_load"}}}}));
    const PluginFolder mended("keeper", kept_in(file, "down"));
    const auto aside = folder.path() / "count.refused";
    {
        Host host = make_host();
        CHECK(host.load(broken.path()).has_error());
    }
    REQUIRE(std::filesystem::exists(aside));
    Host host = make_host();
    for (const PluginFolder* release : {&broken, &mended}) {
        const auto refused = host.load(release->path());
        REQUIRE(refused.has_error());
        CHECK(refused.error().code == ErrorCode::load_failed);
        CHECK(contains(refused.error().message, "its state was refused and lies in " + aside.string()));
    }
    std::filesystem::rename(aside, file);
    CHECK(summary(load(host, mended).call("get", "")) == "ok: 5");
}

TEST_CASE("a file that cannot be written is said, and nothing else stops") {
    const ScratchFolder folder;
    const auto nowhere = folder.path() / "missing" / "count";
    const Service service("keeper", kept_in(nowhere));
    CHECK(call(service, "add", "1") == "ok: 1");
    CHECK(service.log().await([&](const std::vector<LogLine>& lines) {
        return std::any_of(lines.begin(), lines.end(),
                           [&](const LogLine& line) { return contains(line.text, nowhere.string()); });
    }));
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 1");
}

TEST_CASE("a plugin can be loaded with a given state") {
    Host host = make_host();
    const PluginFolder folder("keeper");
    const long long count = 41;
    SavedState state;
    state.version = 3;
    state.bytes.resize(sizeof count);
    std::memcpy(state.bytes.data(), &count, sizeof count);
    const ManifestText manifest{R"({"name": "keeper", "version": "1", "library": "libkeeper.so"})", folder.path()};
    const auto plugin = host.load(manifest, state);
    REQUIRE_MESSAGE(plugin.has_value(), plugin.error().message);
    CHECK(summary(plugin->call("add", "1")) == "ok: 42");
    const ManifestText small{R"({"name": "small", "version": "1", "library": "libkeeper.so", "state": {"limit": 4}})",
                             folder.path()};
    const auto refused = host.load(small, state);
    REQUIRE(refused.has_error());
    CHECK(contains(refused.error().message, "its state of 8 bytes is over state.limit of 4"));
}

}  // namespace
}  // namespace bulkhead::tests
