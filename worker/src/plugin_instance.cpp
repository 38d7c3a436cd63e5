#include "plugin_instance.hpp"

#include <cstring>
#include <string>

#include "bulkhead/transport/layout.hpp"

namespace bulkhead::worker {
namespace {

std::optional<Refusal> explain(const char* function, int result, const bulkhead_error& error) {
    if (result == 0) {
        return std::nullopt;
    }
    const std::string text(error.text, ::strnlen(error.text, sizeof error.text));
    return Refusal{std::string("its ") + function + " function failed with number " + std::to_string(error.number) +
                   (text.empty() ? "" : ": " + text)};
}

}  // namespace

std::optional<Refusal> PluginInstance::create(const bulkhead_services& services, std::string_view config) noexcept {
    bulkhead_error error{};
    const int result = table_.functions.create(&services, {config.data(), config.size()}, &instance_, &error);
    return explain("create", result, error);
}

std::optional<Refusal> PluginInstance::load(std::uint32_t version, std::span<const std::byte> state) noexcept {
    if (!has_state()) {
        return Refusal{"it keeps no state, but a former release of it saved one"};
    }
    bulkhead_error error{};
    const int result = table_.functions.load(instance_, version, {state.data(), state.size()}, &error);
    return explain("load", result, error);
}

std::optional<Refusal> PluginInstance::save(bulkhead_state* state) const noexcept {
    bulkhead_error error{};
    running_.store(transport::kInSave, std::memory_order_relaxed);
    const int result = table_.functions.save(instance_, state, &error);
    running_.store(0, std::memory_order_relaxed);
    return explain("save", result, error);
}

std::optional<Refusal> PluginInstance::activate() noexcept {
    if (table_.functions.activate == nullptr) {
        return std::nullopt;
    }
    bulkhead_error error{};
    const int result = table_.functions.activate(instance_, &error);
    return explain("activate", result, error);
}

void PluginInstance::deactivate() noexcept {
    if (table_.functions.deactivate != nullptr) {
        running_.store(transport::kInDeactivate, std::memory_order_relaxed);
        table_.functions.deactivate(instance_);
        running_.store(0, std::memory_order_relaxed);
    }
}

void PluginInstance::destroy() noexcept {
    running_.store(transport::kInDestroy, std::memory_order_relaxed);
    table_.functions.destroy(instance_);
    running_.store(0, std::memory_order_relaxed);
}

}  // namespace bulkhead::worker
