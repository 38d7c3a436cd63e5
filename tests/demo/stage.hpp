// What the steps of the demo share, and the steps.
#pragma once

#include <bulkhead/host/host.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "death_book.hpp"
#include "screen.hpp"
#include "surroundings.hpp"
#include "tally.hpp"

namespace bulkhead::demo {

// What this build could make: see CMakeLists.txt.
inline constexpr bool kHasRustPlugin = BULKHEAD_HAS_RUST_PLUGIN;
inline constexpr bool kHasImageServer = BULKHEAD_HAS_IMAGE_SERVER;

// Owned by run_demo(); the demo's main thread.
struct Stage {
    Screen screen;
    Surroundings before;  // there was a host
    std::shared_ptr<DeathBook> deaths = std::make_shared<DeathBook>();
    std::optional<Host> host;
    std::optional<Plugin> checksum;
    std::optional<Plugin> greeter;
    std::optional<Plugin> greeter_rust;  // where there is rustc
    std::optional<Plugin> faulty;
    // Every call of these plugins, so that the host's figures can be compared.
    Tally checksum_calls;
    Tally greeter_calls;
    Tally greeter_rust_calls;
    Tally faulty_calls;
};

// Each prints and checks one step. False: the next ones make no sense.
bool load_plugins(Stage& stage);
void checksum_file(Stage& stage, const std::filesystem::path& path);
void greet(Stage& stage);
void calculate_side_by_side(Stage& stage);
// Where libjpeg and libpng are.
void serve_a_photograph(Stage& stage);
void crash_again_and_again(Stage& stage);
void end_a_crash_loop(Stage& stage);
void leave_nothing_behind(Stage& stage);

// All of them. `files` are what is checksummed; none: a large one is found. The exit status.
int run_demo(std::vector<std::filesystem::path> files);

}  // namespace bulkhead::demo
