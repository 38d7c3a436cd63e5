// What the worker does for the plugin, outside of a single call.
#pragma once

#include <cstddef>
#include <string_view>

#include "bulkhead/plugin/log_level.hpp"
#include "bulkhead/plugin/log_stream.hpp"
#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin {

// A handle on the worker's table of services. Copies freely; valid in every thread until the plugin object has
// been destroyed.
class Services {
  public:
    explicit Services(const bulkhead_services& table) noexcept : table_(&table) {}

    // Logs one line under the plugin's name. More than 240 bytes are cut.
    void log(LogLevel level, std::string_view text) const noexcept {
        table_->log(static_cast<bulkhead_log_level>(level), text.data(), text.size());
    }

    // The same as a stream: `services.log(LogLevel::info) << "listening on port " << port;`
    LogStream log(LogLevel level) const { return {*table_, level}; }

    // The folder of the plugin's manifest.
    std::string_view plugin_directory() const noexcept { return table_->plugin_directory(); }

    // Asks for a checkpoint as soon as no method is running. A worker that keeps no state does nothing.
    void request_checkpoint() const noexcept {
        constexpr std::size_t kNeeded = offsetof(bulkhead_services, request_checkpoint) + sizeof(void*);
        if (table_->size >= kNeeded && table_->request_checkpoint != nullptr) {
            table_->request_checkpoint();
        }
    }

    // For members that this class does not wrap. Use one only when the table's size says it is there.
    const bulkhead_services& table() const noexcept { return *table_; }

  private:
    const bulkhead_services* table_;
};

}  // namespace bulkhead::plugin
