// Random numbers that are the same everywhere for the same seed; the standard's distributions are not.
#pragma once

#include <cstdint>
#include <string_view>

namespace bulkhead::cli {

// SplitMix64. Value type.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t value = state_;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
        return value ^ (value >> 31);
    }
    // From 0 to `bound` - 1; `bound` is not 0. Its slight preference of small numbers does not matter here.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

  private:
    std::uint64_t state_;
};

// A seed for one purpose out of a seed for all.
inline std::uint64_t seed_for(std::uint64_t seed, std::string_view purpose, std::uint64_t number) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : purpose) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    }
    return Random(seed ^ hash ^ (number * 0xD6E8FEB86659FD93U)).next();
}

}  // namespace bulkhead::cli
