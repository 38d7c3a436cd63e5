// A checkpoint as the fake worker takes it from a plugin. Defines the `bulkhead_state` that the ABI leaves opaque.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin::testing {

// How often the plugins of this process asked for a checkpoint. One for the process, because the ABI's function names
// no worker.
inline std::atomic<int>& fake_checkpoint_requests() {
    static std::atomic<int> only{0};
    return only;
}

}  // namespace bulkhead::plugin::testing

// As in a worker, what is over the limit is not appended.
struct bulkhead_state {
    explicit bulkhead_state(std::size_t most) : limit(most) {}
    int write(const void* data, std::size_t size) {
        over_limit = over_limit || size > limit - bytes.size();
        if (!over_limit && size > 0) {
            bytes.append(static_cast<const char*>(data), size);
        }
        return over_limit ? 1 : 0;
    }

    const std::size_t limit;
    std::string bytes;
    bool over_limit = false;
};
