// The folder that a sandbox loads its plugin from.
#pragma once

#include <filesystem>
#include <string>

namespace bulkhead::plugin::testing {

// The plugin's own folder, or, when its config is to be another one, a copy of it with a changed manifest, which is
// removed with this object.
class SandboxFolder {
  public:
    // Throws StartFailure. An empty config keeps the manifest's.
    SandboxFolder(const std::filesystem::path& folder, const std::string& config);
    SandboxFolder(const SandboxFolder&) = delete;
    SandboxFolder& operator=(const SandboxFolder&) = delete;
    ~SandboxFolder();

    const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
    bool is_copy_ = false;
};

}  // namespace bulkhead::plugin::testing
