// Runs the program `bulkhead` as a user does.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::tests {

// What a run came to.
struct Ran {
    int code = -1;  // the exit code; 128 + the signal when it died by one
    std::string out;
    std::string err;

    nlohmann::json json() const { return nlohmann::json::parse(out); }
};

struct Surroundings {
    std::string input = {};                               // its standard input
    std::filesystem::path folder = {};                    // where it runs; empty: here
    std::map<std::string, std::string> environment = {};  // besides the test's own
    std::vector<int> closed = {};                         // of the standard descriptors
    bool unread_output = false;                           // its standard output is a pipe that nobody reads
};

// Runs it to its end. Killed, and the test fails, when it takes more than the patience of tests.
Ran bulkhead(const std::vector<std::string>& arguments, const Surroundings& surroundings = {});

// The program under test.
std::filesystem::path bulkhead_program();

// Any other program, such as bash.
Ran run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                const Surroundings& surroundings = {});

}  // namespace bulkhead::tests
