#include "bulkhead/plugin/testing/mode.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace bulkhead::plugin::testing {

Mode mode_from_environment() {
    const char* value = std::getenv("BULKHEAD_TEST_MODE");
    const std::string mode = value == nullptr ? "" : value;
    if (mode.empty() || mode == "in-process") {
        return Mode::in_process;
    }
    if (mode == "sandbox") {
        return Mode::sandbox;
    }
    throw std::invalid_argument("BULKHEAD_TEST_MODE is \"" + mode + "\"; it can be in-process or sandbox");
}

}  // namespace bulkhead::plugin::testing
