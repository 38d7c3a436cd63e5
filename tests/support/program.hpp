// A program that a test runs: a server that embeds a host in its own way.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/until.hpp"

namespace bulkhead::tests {

// One run of a program, with its output on a pipe. If it still runs, the destructor kills it and all in its process
// group, which is its own. What cannot be started,
// or does not do in time what is waited for, throws with what it printed. One thread.
class Program {
  public:
    explicit Program(const std::filesystem::path& executable, const std::vector<std::string>& arguments = {});
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    pid_t pid() const { return pid_; }
    // Waits for a line of output that starts with `start`; what follows it.
    std::string await_line(std::string_view start);
    // Waits for its end: "exit CODE" or "signal NUMBER".
    std::string await_end(std::chrono::nanoseconds patience = kPatience);
    // Reads what there is to read now.
    void poll() { read_more(std::chrono::steady_clock::now()); }
    // All it printed so far, on stdout and stderr, as far as it was read.
    const std::string& output() const { return output_; }

  private:
    bool read_more(std::chrono::steady_clock::time_point deadline);

    pid_t pid_ = 0;
    int pipe_ = -1;
    std::string output_;
};

}  // namespace bulkhead::tests
