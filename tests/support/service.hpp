// What most tests need: a host of this build that serves one plugin.
#pragma once

#include <bulkhead/host/host.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "support/collectors.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"

namespace bulkhead::tests {

// A host that must come to be; the test ends when it does not.
Host make_host(HostOptions options = host_options());

// A plugin that must load; the test ends when it does not.
Plugin load(Host& host, const std::filesystem::path& folder);
inline Plugin load(Host& host, const PluginFolder& folder) { return load(host, folder.path()); }

// As many restarts as a test likes, each at once: deaths that it brings about are no crash loop, and the requests it
// uses are not put into quarantine. And a worker that hangs at the end is not waited for long.
inline const nlohmann::json kEndlessRestarts = {
    {"supervision", {{"restarts", 1'000'000}, {"stop_ms", 300}, {"backoff_ms", 0}, {"quarantine_deaths", 0}}}};

// `one` with `other` merged in.
nlohmann::json merged(nlohmann::json one, const nlohmann::json& other);

// A host with one plugin whose manifest is the built one with changes; its log lines and deaths are kept.
class Service {
  public:
    explicit Service(std::string_view name = "faulty", const nlohmann::json& changes = kEndlessRestarts,
                     HostOptions options = host_options());

    const LogCollector& log() const { return log_; }
    const DeathCollector& deaths() const { return deaths_; }
    const PluginFolder& folder() const { return folder_; }
    Host& host() { return *host_; }
    const Plugin& plugin() const { return *plugin_; }
    // Destroys the host now; the handle stays.
    void end_host() { host_.reset(); }

    // The pid of the worker that serves now.
    pid_t worker() const;
    // A call to it is answered; asked again and again until one is.
    bool serves_again() const;

  private:
    LogCollector log_;
    DeathCollector deaths_;
    PluginFolder folder_;
    std::optional<Host> host_;
    std::optional<Plugin> plugin_;
};

}  // namespace bulkhead::tests
