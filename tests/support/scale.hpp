// How much of a long test is run.
#pragma once

namespace bulkhead::tests {

// `full` repetitions, or the percentage of them that BULKHEAD_TEST_SCALE says (by default 100, fewer under a
// sanitizer), but at least one.
int scaled(int full);

}  // namespace bulkhead::tests
