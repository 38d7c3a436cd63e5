#include <array>

#include "benchmark.hpp"

namespace bulkhead::bench {

std::span<const Benchmark> catalogue() {
    static constexpr std::array benchmarks = {
        // Before others have used memory: see bench_load.cpp.
        Benchmark{"load", "1,000 plugins: time, memory, descriptors, CPU when idle", false, bench_load},
        Benchmark{"call", "64-byte echo through the complete public API", true, bench_call},
        Benchmark{"recovery", "a worker's death to the next good reply", false, bench_recovery},
        Benchmark{"pipeline", "64-byte echoes with 256 outstanding", true, bench_pipeline},
        Benchmark{"threads", "1, 2, 4 and 8 threads that call one plugin", true, bench_threads},
        Benchmark{"payload", "echo of payloads up to 64 MiB, copied in and out", true, bench_payload},
        Benchmark{"zerocopy", "1 MiB built, read, answered and viewed in place", true, bench_zerocopy},
        Benchmark{"fanout", "calls of each plugin in turn, of up to 1,000", false, bench_fanout},
        Benchmark{"neighbour", "what a busy process loses beside a host", false, bench_neighbour},
        Benchmark{"peers", "64 B and 1 MiB echoes beside other ways to call a process", true, bench_peers},
    };
    return benchmarks;
}

}  // namespace bulkhead::bench
