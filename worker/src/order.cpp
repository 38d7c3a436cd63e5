#include "order.hpp"

#include <nlohmann/json.hpp>

namespace bulkhead::worker {
namespace {

using Json = nlohmann::json;

Limits parse_limits(const Json& json) {
    Limits limits;
    limits.address_space = json.value("address_space", limits.address_space);
    limits.open_files = json.value("open_files", limits.open_files);
    limits.file_size = json.value("file_size", limits.file_size);
    limits.cpu_seconds = json.value("cpu_seconds", limits.cpu_seconds);
    limits.stack = json.value("stack", limits.stack);
    return limits;
}

CheckpointRule parse_checkpoints(const Json& json) {
    CheckpointRule rule;
    rule.every_calls = json.value("every_calls", rule.every_calls);
    rule.every = std::chrono::milliseconds(json.value("every_ms", std::uint64_t{0}));
    return rule;
}

Refusal unreadable(const std::string& cause) { return {"the order to its worker cannot be read: " + cause}; }

}  // namespace

OrRefusal<Order> parse_order(std::string_view text) {
    try {
        const Json json = Json::parse(text);
        Order order;
        order.plugin = json.at("plugin").get<std::string>();
        order.version = json.value("version", order.version);
        order.directory = json.at("directory").get<std::string>();
        order.library = json.at("library").get<std::string>();
        order.dependencies = json.value("dependencies", order.dependencies);
        order.config = json.value("config", order.config);
        order.environment = json.value("environment", order.environment);
        order.limits = parse_limits(json.value("limits", Json::object()));
        order.checkpoints = parse_checkpoints(json.value("checkpoints", Json::object()));
        return order;
    } catch (const Json::exception& failure) {
        return unreadable(failure.what());
    }
}

}  // namespace bulkhead::worker
