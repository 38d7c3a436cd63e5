/* What is done with bytes in place: the same code on both sides, in the plugin and in the reference. `size` is a
 * multiple of 8. */
#ifndef BULKHEAD_BENCH_TOUCHES_H
#define BULKHEAD_BENCH_TOUCHES_H

#include <stddef.h>
#include <stdint.h>

/* Writes every word. */
static inline void touch_fill(uint64_t *words, size_t size, uint64_t first) {
    for (size_t at = 0; at < size / sizeof(uint64_t); ++at) {
        words[at] = first + at;
    }
}

/* Reads every word. */
static inline uint64_t touch_sum(const uint64_t *words, size_t size) {
    uint64_t sum = 0;
    for (size_t at = 0; at < size / sizeof(uint64_t); ++at) {
        sum += words[at];
    }
    return sum;
}

#endif
