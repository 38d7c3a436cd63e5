// The command line of bulkhead-bench.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::bench {

struct Options {
    std::vector<std::string> names;  // none: all
    std::filesystem::path json;      // empty: not written
    std::filesystem::path peers;     // where scripts/bench has built their programs
    bool quick = false;
    bool help = false;

    bool wants(std::string_view name) const;
};

// Throws std::invalid_argument, with a sentence, when an argument or a name is not known.
Options parse_options(std::span<char* const> arguments);

}  // namespace bulkhead::bench
