#include "bulkhead/host/manifest.hpp"
#include "manifest.hpp"
#include "manifest_settings.hpp"

namespace bulkhead {
namespace {

result<ManifestDescription> described(result<detail::Manifest> manifest) {
    if (!manifest) {
        return manifest.error();
    }
    ManifestDescription description;
    description.name = manifest->name;
    description.version = manifest->version;
    description.directory = manifest->directory;
    description.library = manifest->library;
    description.config = manifest->config;
    description.payload = manifest->channel.payload;
    description.in_flight = manifest->channel.in_flight;
    description.in_flight_bytes = manifest->channel.in_flight_bytes;
    description.start = manifest->supervision.start;
    description.call = manifest->supervision.call;
    description.stop = manifest->supervision.stop;
    description.hang_grace = manifest->supervision.hang_grace;
    description.watchdog = manifest->supervision.watchdog;
    description.restarts = manifest->supervision.restart.burst.restarts;
    description.within = manifest->supervision.restart.burst.within;
    description.latency = manifest->latency;
    description.idempotent = manifest->idempotent;
    description.settings = detail::settings_of(*manifest);
    return description;
}

}  // namespace

result<ManifestDescription> describe_manifest(const std::filesystem::path& path) {
    return described(detail::read_manifest(path));
}

result<ManifestDescription> describe_manifest(const ManifestText& text) {
    return described(detail::parse_manifest(text));
}

}  // namespace bulkhead
