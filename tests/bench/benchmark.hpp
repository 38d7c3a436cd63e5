// What a benchmark is. catalogue.cpp lists them all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "cores.hpp"
#include "row.hpp"

namespace bulkhead::bench {

// How thoroughly to measure.
struct Effort {
    bool quick = false;
    std::filesystem::path peers = {};  // where the programs of the row of this name lie; empty: nowhere

    std::size_t rounds() const noexcept { return quick ? 3 : 9; }
    // The number of samples of a round, a twentieth of it when it has to be quick.
    std::size_t samples(std::size_t full) const noexcept { return quick ? full / 20 + 1 : full; }
};

// A file each: bench_<name>.cpp. Throws std::runtime_error, with a sentence, when it cannot measure.
struct Benchmark {
    std::string_view name;     // what the command line says; the first part of its rows' names
    std::string_view purpose;  // in one line
    bool needs_two_cores;      // two processes spin towards each other
    std::vector<Row> (*run)(const Effort& effort, const Cores& cores);
};

std::span<const Benchmark> catalogue();

std::vector<Row> bench_call(const Effort& effort, const Cores& cores);
std::vector<Row> bench_recovery(const Effort& effort, const Cores& cores);
std::vector<Row> bench_standby(const Effort& effort, const Cores& cores);
std::vector<Row> bench_pipeline(const Effort& effort, const Cores& cores);
std::vector<Row> bench_threads(const Effort& effort, const Cores& cores);
std::vector<Row> bench_payload(const Effort& effort, const Cores& cores);
std::vector<Row> bench_fanout(const Effort& effort, const Cores& cores);
std::vector<Row> bench_load(const Effort& effort, const Cores& cores);
std::vector<Row> bench_neighbour(const Effort& effort, const Cores& cores);
std::vector<Row> bench_peers(const Effort& effort, const Cores& cores);
std::vector<Row> bench_zerocopy(const Effort& effort, const Cores& cores);

}  // namespace bulkhead::bench
