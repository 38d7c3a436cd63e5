// Randomness of the tests, repeatable by its seed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace bulkhead::transport::testing {

// BULKHEAD_TEST_SEED when it is set, otherwise another one in each run. Tests name it when they fail.
inline std::uint64_t choose_seed() {
    const char* wanted = std::getenv("BULKHEAD_TEST_SEED");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : std::random_device{}();
}

// One stream of random numbers. One thread.
class Random {
  public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    // From 0 up to, not including, `end`.
    std::uint64_t below(std::uint64_t end) { return engine_() % end; }
    std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
    bool chance(unsigned percent) { return below(100) < percent; }

  private:
    std::mt19937_64 engine_;
};

}  // namespace bulkhead::transport::testing
