#include "support/places.hpp"

#include <stdexcept>
#include <string>

namespace bulkhead::tests {

namespace fs = std::filesystem;

fs::path worker_executable() { return BULKHEAD_WORKER_EXECUTABLE; }

fs::path worker_with_death_points() { return BULKHEAD_WORKER_WITH_DEATH_POINTS; }

fs::path built_plugin(std::string_view name) {
    const std::string folder(name);
    for (const fs::path& place : {fs::path(BULKHEAD_EXAMPLE_PLUGINS) / folder / folder,
                                  fs::path(BULKHEAD_TEST_PLUGINS) / folder, fs::path(BULKHEAD_VICTIMS) / folder}) {
        if (fs::exists(place / "plugin.json")) {
            return place;
        }
    }
    throw std::runtime_error("this build has no plugin " + folder);
}

fs::path built_plugin(std::string_view example, std::string_view name) {
    return fs::path(BULKHEAD_EXAMPLE_PLUGINS) / example / name;
}

fs::path built_program(std::string_view name) { return fs::path(BULKHEAD_TEST_PROGRAMS) / name; }

HostOptions host_options() {
    HostOptions options;
    options.worker = worker_executable();
    return options;
}

}  // namespace bulkhead::tests
