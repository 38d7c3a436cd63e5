#include "support/plugin_folder.hpp"

#include <fstream>

#include "support/places.hpp"

namespace bulkhead::tests {

namespace fs = std::filesystem;

PluginFolder::PluginFolder(std::string_view plugin, const nlohmann::json& changes) {
    fs::copy(built_plugin(plugin), path(), fs::copy_options::recursive);
    std::ifstream stream(path() / "plugin.json");
    auto manifest = nlohmann::json::parse(stream);
    manifest.merge_patch(changes);
    write_manifest(manifest.dump(2));
}

void PluginFolder::write_manifest(std::string_view text) const {
    std::ofstream stream(path() / "plugin.json", std::ios::binary | std::ios::trunc);
    stream << text;
}

}  // namespace bulkhead::tests
