#include "bulkhead/host/manifest.hpp"
#include "manifest.hpp"

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
    description.restarts = manifest->supervision.restarts;
    description.within = manifest->supervision.within;
    description.idempotent = manifest->idempotent;
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
