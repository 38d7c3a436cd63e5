// Where a plugin object's save() writes.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin {

// One checkpoint while it is written. Valid until save() returns, on its thread.
class StateOutput {
  public:
    StateOutput(const bulkhead_services& services, bulkhead_state* state) : services_(&services), state_(state) {
        constexpr std::size_t kNeeded = offsetof(bulkhead_services, write_state) + sizeof services.write_state;
        if (services.size < kNeeded || services.write_state == nullptr) {
            throw Error(kUnspecified, "this worker is older than the plugin and keeps no state");
        }
    }

    // Appends a copy. Throws Error when the state would be over the manifest's state.limit.
    void write(std::span<const std::byte> bytes) {
        over_limit_ = over_limit_ || services_->write_state(state_, bytes.data(), bytes.size()) != 0;
        check();
    }
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

    // Throws what a write has thrown before.
    void check() const {
        if (over_limit_) {
            throw Error(kUnspecified, "the state is over the manifest's state.limit");
        }
    }

  private:
    const bulkhead_services* services_;
    bulkhead_state* state_;
    bool over_limit_ = false;
};

}  // namespace bulkhead::plugin
