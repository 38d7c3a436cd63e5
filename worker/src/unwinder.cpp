#include "unwinder.hpp"

#include <sys/ucontext.h>

namespace bulkhead::worker {

Explanation registers_only(const StackCopy& stack, const char* why) {
    const std::uint64_t instruction = stack.register_value(REG_RIP);
    return {{{instruction, instruction, "", "", 0}}, why};
}

}  // namespace bulkhead::worker
