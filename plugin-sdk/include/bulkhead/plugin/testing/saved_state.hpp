// A checkpoint in the hands of a test.
#pragma once

#include <cstdint>
#include <string>

namespace bulkhead::plugin::testing {

// What a plugin saved, or is to load.
struct SavedState {
    std::uint32_t version = 0;
    std::string bytes;

    bool operator==(const SavedState&) const = default;
};

}  // namespace bulkhead::plugin::testing
