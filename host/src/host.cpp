#include "bulkhead/host/host.hpp"

#include "host_core.hpp"

namespace bulkhead {

result<Host> Host::create(HostOptions options) {
    auto core = detail::HostCore::create(std::move(options));
    if (!core) {
        return core.error();
    }
    return Host(*std::move(core));
}

Host::Host(std::unique_ptr<detail::HostCore> core) : core_(std::move(core)) {}
Host::Host(Host&&) noexcept = default;

Host& Host::operator=(Host&& other) noexcept {
    if (this != &other) {
        const Host ended = std::move(*this);
        core_ = std::move(other.core_);
    }
    return *this;
}

Host::~Host() {
    if (core_ && core_->in_forked_child()) {
        static_cast<void>(core_.release());
    }
}

result<Plugin> Host::load(const std::filesystem::path& manifest) {
    auto lane = core_->load(detail::read_manifest(manifest));
    if (!lane) {
        return lane.error();
    }
    return Plugin(*std::move(lane));
}

result<Plugin> Host::load(const ManifestText& manifest) {
    auto lane = core_->load(detail::parse_manifest(manifest));
    if (!lane) {
        return lane.error();
    }
    return Plugin(*std::move(lane));
}

result<Plugin> Host::load(const ManifestText& manifest, const SavedState& state) {
    auto lane = core_->load(detail::parse_manifest(manifest), &state);
    if (!lane) {
        return lane.error();
    }
    return Plugin(*std::move(lane));
}

result<Inspection> Host::inspect(const std::filesystem::path& manifest) {
    return core_->inspect(detail::read_manifest(manifest));
}

result<Inspection> Host::inspect(const ManifestText& manifest) {
    return core_->inspect(detail::parse_manifest(manifest));
}

result<Plugin> Host::plugin(std::string_view name) const {
    auto lane = core_->find(name);
    if (!lane) {
        return lane.error();
    }
    return Plugin(*std::move(lane));
}

std::vector<Plugin> Host::plugins() const {
    std::vector<Plugin> all;
    for (auto& lane : core_->lanes()) {
        all.push_back(Plugin(std::move(lane)));
    }
    return all;
}

result<void> Host::unload(std::string_view name) { return core_->unload(name); }

}  // namespace bulkhead
