// A plugin's state, outside of any worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bulkhead {

// What a plugin's `save` wrote, and what its `load` is given. Value type.
struct SavedState {
    std::uint32_t version = 0;  // the state_version of the plugin that saved it
    std::vector<std::byte> bytes;
};

}  // namespace bulkhead
