#include "manifest_settings.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace bulkhead::detail {
namespace {

using Json = nlohmann::ordered_json;

// In the order of Latency, RestartRule and RefusedState.
constexpr std::array kLatencies{"adaptive", "spin", "park"};
constexpr std::array kRules{"permanent", "transient", "temporary"};
constexpr std::array kWhenRefused{"clean", "down"};

void add_unless_zero(Json& section, const char* member, std::uint64_t value) {
    if (value != 0) {
        section[member] = value;
    }
}

void add_unless_zero(Json& section, const char* member, std::chrono::milliseconds value) {
    add_unless_zero(section, member, static_cast<std::uint64_t>(value.count()));
}

Json limits_of(const transport::ChannelLimits& channel, const ProcessLimits& process) {
    Json limits = {
        {"payload", channel.payload}, {"in_flight", channel.in_flight}, {"in_flight_bytes", channel.in_flight_bytes}};
    add_unless_zero(limits, "address_space", process.address_space);
    add_unless_zero(limits, "open_files", process.open_files);
    add_unless_zero(limits, "file_size", process.file_size);
    add_unless_zero(limits, "cpu_seconds", process.cpu_seconds);
    add_unless_zero(limits, "stack", process.stack);
    return limits;
}

Json recycling_of(const Recycling& recycle) {
    Json section = Json::object();
    add_unless_zero(section, "calls", recycle.calls);
    add_unless_zero(section, "age_ms", recycle.age);
    add_unless_zero(section, "memory", recycle.memory);
    return section;
}

Json supervision_of(const Supervision& supervision) {
    const RestartSettings& restart = supervision.restart;
    Json section = {
        {"start_ms", supervision.start.count()},       {"call_ms", supervision.call.count()},
        {"stop_ms", supervision.stop.count()},         {"hang_grace_ms", supervision.hang_grace.count()},
        {"watchdog_ms", supervision.watchdog.count()}, {"policy", kRules.at(static_cast<std::size_t>(restart.rule))},
        {"restarts", restart.burst.restarts},          {"within_ms", restart.burst.within.count()}};
    if (restart.sustained.restarts != std::numeric_limits<std::uint32_t>::max()) {
        section["sustained_restarts"] = restart.sustained.restarts;
        section["sustained_within_ms"] = restart.sustained.within.count();
    }
    section["start_attempts"] = restart.start_attempts;
    section["backoff_ms"] = restart.backoff.first.count();
    section["backoff_max_ms"] = restart.backoff.cap.count();
    section["standby"] = supervision.standby ? 1 : 0;
    section["retries"] = supervision.retries;
    section["quarantine_deaths"] = supervision.quarantine.deaths;
    section["quarantine_ms"] = supervision.quarantine.duration.count();
    section["recycle"] = recycling_of(supervision.recycle);
    return section;
}

Json state_of(const StateKeeping& state, std::uint64_t limit) {
    Json section = {{"every_calls", state.every_calls}};
    add_unless_zero(section, "every_ms", state.every);
    section["limit"] = limit;
    section["when_refused"] = kWhenRefused.at(static_cast<std::size_t>(state.when_refused));
    if (!state.path.empty()) {
        section["path"] = state.path;
    }
    return section;
}

}  // namespace

std::string settings_of(const Manifest& manifest) {
    const Json settings = {{"latency", kLatencies.at(static_cast<std::size_t>(manifest.latency))},
                           {"limits", limits_of(manifest.channel, manifest.process)},
                           {"supervision", supervision_of(manifest.supervision)},
                           {"state", state_of(manifest.state, manifest.channel.state)}};
    return settings.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace bulkhead::detail
