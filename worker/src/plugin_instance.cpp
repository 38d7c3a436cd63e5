#include "plugin_instance.hpp"

#include <cstring>
#include <string>

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
        table_.functions.deactivate(instance_);
    }
}

void PluginInstance::destroy() noexcept { table_.functions.destroy(instance_); }

}  // namespace bulkhead::worker
