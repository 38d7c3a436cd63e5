// bulkhead-bench: what Bulkhead costs, each figure beside its reference in the same run.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include "benchmark.hpp"
#include "options.hpp"

namespace {

using namespace bulkhead::bench;

void print_help() {
    std::cout << "usage: bulkhead-bench [NAME...] [--json FILE] [--quick] [--peers FOLDER]\n\n";
    for (const Benchmark& benchmark : catalogue()) {
        std::cout << "  " << benchmark.name << std::string(12 - benchmark.name.size(), ' ') << benchmark.purpose
                  << "\n";
    }
}

void write_json(const std::filesystem::path& path, const std::vector<Row>& rows) {
    auto json = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        json.push_back(to_json(row));
    }
    std::ofstream file(path);
    file << json.dump(2) << "\n";
    if (!file.flush()) {
        throw std::runtime_error("the file " + path.string() + " cannot be written");
    }
}

struct Outcome {
    std::vector<Row> rows;
    bool complete = true;  // false: a benchmark could not measure
};

// One that cannot measure says why, and takes no other's rows with it.
Outcome run(const Options& options, const Cores& cores) {
    Outcome all;
    for (const Benchmark& benchmark : catalogue()) {
        if (!options.wants(benchmark.name)) {
            continue;
        }
        if (benchmark.needs_two_cores && !cores.enough_to_pin()) {
            std::cerr << "bulkhead-bench: " << benchmark.name
                      << " is left out: its two sides spin, and there is only one core\n";
            continue;
        }
        std::cerr << "bulkhead-bench: " << benchmark.name << ": " << benchmark.purpose << std::endl;
        try {
            const std::vector<Row> rows = benchmark.run(Effort{options.quick, options.peers}, cores);
            all.rows.insert(all.rows.end(), rows.begin(), rows.end());
        } catch (const std::exception& error) {
            std::cerr << "bulkhead-bench: " << benchmark.name << " has no rows: " << error.what() << std::endl;
            all.complete = false;
        }
    }
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse_options({argv + 1, static_cast<std::size_t>(argc - 1)});
        if (options.help) {
            print_help();
            return 0;
        }
        const Outcome outcome = run(options, Cores());
        std::cout << to_table(outcome.rows);
        if (!options.json.empty()) {
            write_json(options.json, outcome.rows);
        }
        return outcome.complete ? 0 : 1;
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "bulkhead-bench: %s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bulkhead-bench: %s\n", error.what());
        return 1;
    }
}
