// The copy of a plugin's folder whose config a test replaces.
#include "sandbox_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "bulkhead/plugin/testing.hpp"

using namespace bulkhead::plugin::testing;
namespace fs = std::filesystem;

namespace {

nlohmann::json manifest_in(const fs::path& folder) {
    std::ifstream file(folder / "plugin.json");
    return nlohmann::json::parse(file);
}

}  // namespace

TEST_CASE("without a config of its own a sandbox uses the plugin's folder itself") {
    const SandboxFolder folder(BULKHEAD_FAULTY_PLUGIN, "");
    CHECK(folder.path() == BULKHEAD_FAULTY_PLUGIN);
}

TEST_CASE("with one it uses a copy, which is removed afterwards and leaves the original alone") {
    const auto before = manifest_in(BULKHEAD_FAULTY_PLUGIN);
    fs::path copy;
    {
        const SandboxFolder folder(BULKHEAD_FAULTY_PLUGIN, R"({"start": "crash"})");
        copy = folder.path();
        auto expected = before;
        expected["config"] = {{"start", "crash"}};
        CHECK(manifest_in(copy) == expected);
        CHECK(fs::exists(copy / before.at("library").get<std::string>()));
    }
    CHECK_FALSE(fs::exists(copy));
    CHECK(manifest_in(BULKHEAD_FAULTY_PLUGIN) == before);
}

TEST_CASE("a config that is not JSON is refused and leaves nothing behind") {
    CHECK_THROWS_AS(SandboxFolder(BULKHEAD_FAULTY_PLUGIN, "{"), StartFailure);
}
