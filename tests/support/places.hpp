// Where the parts of this build are.
#pragma once

#include <bulkhead/host/host.hpp>
#include <filesystem>
#include <string_view>

namespace bulkhead::tests {

std::filesystem::path worker_executable();

// The worker that dies at a named step: worker/src/death_point.hpp.
std::filesystem::path worker_with_death_points();

// The folder of the plugin of this name, be it an example, a victim or one that is refused.
std::filesystem::path built_plugin(std::string_view name);
// Of an example that builds several plugins.
std::filesystem::path built_plugin(std::string_view example, std::string_view name);

// An executable made from tests/programs.
std::filesystem::path built_program(std::string_view name);

// Options with the worker of this build.
HostOptions host_options();

}  // namespace bulkhead::tests
