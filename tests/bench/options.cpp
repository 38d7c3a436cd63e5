#include "options.hpp"

#include <algorithm>
#include <stdexcept>

#include "benchmark.hpp"

namespace bulkhead::bench {
namespace {

void check_name(const std::string& name) {
    const auto all = catalogue();
    const auto same = [&](const Benchmark& benchmark) { return benchmark.name == name; };
    if (std::none_of(all.begin(), all.end(), same)) {
        std::string known;
        for (const Benchmark& benchmark : all) {
            known += (known.empty() ? "" : ", ") + std::string(benchmark.name);
        }
        throw std::invalid_argument("there is no benchmark '" + name + "'; there are " + known);
    }
}

}  // namespace

bool Options::wants(std::string_view name) const {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

Options parse_options(std::span<char* const> arguments) {
    Options options;
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        const std::string argument = arguments[index];
        if (argument == "--quick") {
            options.quick = true;
        } else if (argument == "--help" || argument == "-h") {
            options.help = true;
        } else if (argument == "--json" || argument == "--peers") {
            if (++index == arguments.size()) {
                throw std::invalid_argument(argument + " needs the name of a " +
                                            (argument == "--json" ? "file" : "folder"));
            }
            (argument == "--json" ? options.json : options.peers) = arguments[index];
        } else if (argument.starts_with("-")) {
            throw std::invalid_argument("the option '" + argument + "' is not known");
        } else {
            check_name(argument);
            options.names.push_back(argument);
        }
    }
    return options;
}

}  // namespace bulkhead::bench
