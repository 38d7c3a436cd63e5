#include "support/scale.hpp"

#include <algorithm>
#include <cstdlib>

namespace bulkhead::tests {

int scaled(int full) {
    const char* chosen = std::getenv("BULKHEAD_TEST_SCALE");
    const int percent = chosen != nullptr ? std::atoi(chosen) : BULKHEAD_DEFAULT_TEST_SCALE;
    return std::max(1, static_cast<int>(static_cast<long long>(full) * percent / 100));
}

}  // namespace bulkhead::tests
