// Durations as people write and read them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::cli {

// "250ms", "2s", "1.5s", "3m". Empty: it is not like that, or less than a microsecond or more than a day.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "820 us", "1.2 ms", "3.4 s": three figures at most.
std::string shown(std::chrono::nanoseconds duration);

// As one word of a shell's command line, in quotes where that is needed.
std::string shell_word(std::string_view text);

// "1 method", "3 methods".
std::string counted(std::size_t count, std::string_view thing);

}  // namespace bulkhead::cli
