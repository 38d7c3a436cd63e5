#include <array>

#include "benchmark.hpp"

namespace bulkhead::bench {

std::span<const Benchmark> catalogue() {
    static constexpr std::array benchmarks = {
        Benchmark{"call", "64-byte echo through the complete public API", true, bench_call},
        Benchmark{"recovery", "a worker's death to the next good reply", false, bench_recovery},
        Benchmark{"pipeline", "64-byte echoes with 256 outstanding", true, bench_pipeline},
        Benchmark{"payload", "echo of large payloads, copied out", true, bench_payload},
    };
    return benchmarks;
}

}  // namespace bulkhead::bench
