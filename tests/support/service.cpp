#include "support/service.hpp"

#include <doctest/doctest.h>

#include "support/until.hpp"

namespace bulkhead::tests {

Host make_host(HostOptions options) {
    auto host = Host::create(std::move(options));
    REQUIRE_MESSAGE(host.has_value(), host.error().message);
    return *std::move(host);
}

Plugin load(Host& host, const std::filesystem::path& folder) {
    auto plugin = host.load(folder);
    REQUIRE_MESSAGE(plugin.has_value(), plugin.error().message);
    return *std::move(plugin);
}

nlohmann::json merged(nlohmann::json one, const nlohmann::json& other) {
    one.merge_patch(other);
    return one;
}

Service::Service(std::string_view name, const nlohmann::json& changes, HostOptions options) : folder_(name, changes) {
    options.log = log_;
    options.on_death = deaths_;
    host_.emplace(make_host(std::move(options)));
    plugin_.emplace(load(*host_, folder_));
}

pid_t Service::worker() const {
    const auto pid = plugin().call("pid", "");
    REQUIRE_MESSAGE(pid.has_value(), pid.error().message);
    return std::stoi(std::string(pid->text()));
}

bool Service::serves_again() const {
    return eventually([this] { return plugin().call("pid", "").has_value(); });
}

}  // namespace bulkhead::tests
