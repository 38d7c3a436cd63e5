// What the user names as a plugin.
#pragma once

#include <bulkhead/host/host.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace bulkhead::cli {

// The folder of a plugin.json, the file itself, or a library without one: that gets a manifest with nothing but
// defaults. Value type.
class PluginPath {
  public:
    explicit PluginPath(std::string named);

    // As the user wrote it.
    const std::string& named() const { return named_; }
    bool is_bare_library() const { return library_.has_value(); }
    // The manifest's text, to be changed and loaded. Throws Failure when it cannot be read.
    ManifestText text() const;

    // Throw Failure.
    ManifestDescription describe() const;
    Inspection inspect(Host& host) const;
    // Fails with the host's own error.
    result<Plugin> try_load(Host& host) const;

  private:
    std::string named_;
    std::optional<ManifestText> library_;
};

// A host of this installation. Throws Failure.
Host make_host(HostOptions options = {});

}  // namespace bulkhead::cli
