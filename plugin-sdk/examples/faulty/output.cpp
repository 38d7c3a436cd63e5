#include "output.hpp"

#include <cstdio>

#include "arguments.hpp"

namespace faulty {

using bulkhead::plugin::Call;
using bulkhead::plugin::LogLevel;

namespace {

LogLevel parse_level(std::string_view word) {
    if (word == "debug") return LogLevel::debug;
    if (word == "info") return LogLevel::info;
    if (word == "warning") return LogLevel::warning;
    if (word == "error") return LogLevel::error;
    throw bulkhead::plugin::Error(2, "log knows no level \"" + std::string(word) + "\"");
}

}  // namespace

void print(std::string_view request) {
    for (std::FILE* stream : {stdout, stderr}) {
        std::fwrite(request.data(), 1, request.size(), stream);
        std::fputc('\n', stream);
        std::fflush(stream);
    }
}

void flood(std::string_view request) {
    const auto lines = parse_number<std::size_t>(request, "flood");
    for (std::size_t i = 0; i < lines; ++i) {
        std::printf("line %zu\n", i);
    }
    std::fflush(stdout);
}

void log(std::string_view request, Call& call) {
    const WordAndRest argument(request);
    call.log(parse_level(argument.word), argument.rest);
}

}  // namespace faulty
