// What is said about a dead worker's stack.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bulkhead::worker {

// One function; several of them have one address where the compiler put one into the other.
struct ExplainedFrame {
    std::uint64_t address = 0;  // of the instruction; in a caller the one to return to
    std::uint64_t lookup = 0;   // an address in the instruction itself
    std::string function;       // empty: not known
    std::string file;
    std::uint32_t line = 0;
};

struct Explanation {
    std::vector<ExplainedFrame> frames;  // innermost first
    std::string note;                    // one sentence, when there is less than one would expect
};

// The JSON of "Answer of an explanation" in host/transport/LAYOUT.md.
std::string text_of(const Explanation& explanation);

}  // namespace bulkhead::worker
