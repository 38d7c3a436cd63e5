// How the server is started.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace bulkhead::server {

// What one client may cost the others.
struct Limits {
    std::size_t body = std::size_t{32} << 20;  // bytes of a request
    std::size_t header = std::size_t{8} << 10;
    std::size_t connections = 64;                   // served at once; more are told to come back
    std::size_t jobs = 4;                           // at the plugin at once
    std::size_t waiting = 64;                       // jobs that wait for their turn
    std::chrono::milliseconds idle{30'000};         // from one request of a connection to the next
    std::chrono::milliseconds header_time{10'000};  // for all of the header
    std::chrono::milliseconds body_time{30'000};
    std::chrono::milliseconds answer_time{30'000};  // for the client to take its answer
    std::chrono::milliseconds job_time{20'000};     // for a job, its wait included
    std::chrono::milliseconds stop_time{5'000};     // from the signal to stop until requests under way are cut
};

struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;     // 0: a free one
    std::filesystem::path plugin;  // folder of the image plugin; empty: looked for beside the program
    std::filesystem::path worker;  // empty: as the host finds it
    bool debug = false;
    bool help = false;
    Limits limits;
};

// The command line cannot be understood; what() says why.
struct BadUsage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Throws BadUsage. `arguments` without the program's name.
Options parse_options(const std::vector<std::string>& arguments);

std::string usage();

// The manifest of the image plugin: in bulkhead/plugins beside the libraries when installed, else in the build tree. In
// debug mode it is the one that lets the plugin crash on request. Throws std::runtime_error.
std::filesystem::path locate_plugin(const Options& options);

}  // namespace bulkhead::server
