// The manifest of a plugin that is tried, as it may be changed for that.
#pragma once

#include <nlohmann/json.hpp>

namespace bulkhead::cli {

// Takes the plugin's state file out of it: what a trial leaves behind is not what the plugin has learnt so far.
inline void leave_state_file_alone(nlohmann::json& manifest) {
    if (const auto state = manifest.find("state"); state != manifest.end() && state->is_object()) {
        state->erase("path");
    }
}

}  // namespace bulkhead::cli
