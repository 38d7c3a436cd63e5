#include "sandbox_folder.hpp"

#include <stdlib.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "bulkhead/plugin/testing/plugin_under_test.hpp"

namespace bulkhead::plugin::testing {
namespace {

namespace fs = std::filesystem;

fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "bulkhead-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "a folder for the plugin's copy cannot be made");
    }
    return name;
}

void copy_with_config(const fs::path& from, const fs::path& to, const std::string& config) {
    fs::copy(from, to, fs::copy_options::recursive);
    std::ifstream original(from / "plugin.json", std::ios::binary);
    auto manifest = nlohmann::json::parse(original);
    manifest["config"] = nlohmann::json::parse(config);
    fs::remove(to / "plugin.json");
    std::ofstream(to / "plugin.json", std::ios::binary) << manifest.dump();
}

}  // namespace

SandboxFolder::SandboxFolder(const fs::path& folder, const std::string& config) : path_(folder) {
    if (config.empty()) {
        return;
    }
    path_ = make_folder();
    try {
        copy_with_config(folder, path_, config);
    } catch (const std::exception& error) {
        fs::remove_all(path_);
        throw StartFailure("the config cannot be put in place of the manifest's: " + std::string(error.what()));
    }
    is_copy_ = true;
}

SandboxFolder::~SandboxFolder() {
    if (is_copy_) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
}

}  // namespace bulkhead::plugin::testing
