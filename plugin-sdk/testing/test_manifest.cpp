#include "test_manifest.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "bulkhead/plugin/testing/plugin_under_test.hpp"

namespace bulkhead::plugin::testing {

TestManifest::TestManifest(const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / "plugin.json";
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw StartFailure(path.string() + " cannot be read; is the plugin built, and is this its folder?");
    }
    try {
        const auto manifest = nlohmann::json::parse(file);
        library = folder / manifest.at("library").get<std::string>();
        config = manifest.value("config", nlohmann::json::object()).dump();
        const auto none = nlohmann::json::object();
        payload_limit = manifest.value("limits", none).value("payload", payload_limit);
        state_limit = manifest.value("state", none).value("limit", state_limit);
        call_timeout =
            std::chrono::milliseconds(manifest.value("supervision", none).value("call_ms", call_timeout.count()));
    } catch (const nlohmann::json::exception& error) {
        throw StartFailure(path.string() + " is no manifest: " + error.what());
    }
}

}  // namespace bulkhead::plugin::testing
