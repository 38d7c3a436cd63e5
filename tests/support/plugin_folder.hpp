// A plugin with a manifest of the test's own.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "support/scratch_folder.hpp"

namespace bulkhead::tests {

// The manifest of a built plugin with `changes` merged in: null removes a field.
nlohmann::json changed_manifest(std::string_view plugin, const nlohmann::json& changes);

// A copy of a built plugin with a manifest of its own. Gone with this object.
class PluginFolder {
  public:
    // `changes` are merged into plugin.json.
    explicit PluginFolder(std::string_view plugin, const nlohmann::json& changes = nlohmann::json::object());

    const std::filesystem::path& path() const { return scratch_.path(); }
    void write_manifest(std::string_view text) const;

  private:
    ScratchFolder scratch_;
};

}  // namespace bulkhead::tests
