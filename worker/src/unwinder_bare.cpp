// Where this program was built without libdw.
#include "unwinder.hpp"

namespace bulkhead::worker {

void prepare_unwinder() noexcept {}

Explanation unwind(StackCopy& stack, std::span<const FileBytes>) {
    return registers_only(stack, "only the innermost function is known: bulkhead-worker was built without libdw");
}

}  // namespace bulkhead::worker
