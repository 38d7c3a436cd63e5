// A program that measures somebody else.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "cores.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {

// A peer cannot be had, or not like this; the sentence says why.
class PeerUnavailable : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// One of tests/bench/peers, running: a caller and an answerer on a core each, which rest while they are not measured.
// Its functions throw PeerUnavailable, with the program's reason. One thread.
class PeerProgram {
  public:
    // How it is to wait, as its command line says it.
    PeerProgram(const std::filesystem::path& program, const std::string& waiting, std::size_t largest,
                const Cores& cores);
    // It ends in order, and puts away what it has made.
    ~PeerProgram();
    PeerProgram(const PeerProgram&) = delete;
    PeerProgram& operator=(const PeerProgram&) = delete;

    // The round trips of messages of `size` bytes, each after a rest.
    Samples measure(std::size_t size, std::size_t warm_up, std::size_t samples, std::chrono::microseconds rest);

  private:
    void end() noexcept;
    std::string read_line();

    pid_t pid_ = 0;
    FILE* stream_ = nullptr;  // to its standard input, from its standard output
};

}  // namespace bulkhead::bench
