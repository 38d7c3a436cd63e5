#include "support/plugin_folder.hpp"

#include <fstream>

#include "support/places.hpp"

namespace bulkhead::tests {

namespace fs = std::filesystem;

nlohmann::json changed_manifest(std::string_view plugin, const nlohmann::json& changes) {
    std::ifstream stream(built_plugin(plugin) / "plugin.json");
    auto manifest = nlohmann::json::parse(stream);
    manifest.merge_patch(changes);
    return manifest;
}

PluginFolder::PluginFolder(std::string_view plugin, const nlohmann::json& changes) {
    fs::copy(built_plugin(plugin), path(), fs::copy_options::recursive);
    write_manifest(changed_manifest(plugin, changes).dump(2));
}

void PluginFolder::write_manifest(std::string_view text) const {
    std::ofstream stream(path() / "plugin.json", std::ios::binary | std::ios::trunc);
    stream << text;
}

}  // namespace bulkhead::tests
