// One immutable content of a plugin.
#pragma once

#include <bulkhead/transport/layout.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/inspection.hpp"
#include "bulkhead/host/plugin.hpp"
#include "library_store.hpp"
#include "manifest.hpp"

namespace bulkhead::detail {

struct Runtime;

// A library under the name that the plugin knows it by.
struct NamedLibrary {
    std::string name;
    LibraryRef library;

    int descriptor() const noexcept { return library->file.get(); }
};

// Shared by all workers that run it. Immutable once its first worker was ready, which tells the methods.
struct Release {
    Manifest manifest;
    transport::Geometry geometry;
    NamedLibrary library;
    std::vector<NamedLibrary> dependencies;  // private ones, bottom-up
    std::string order;                       // what each worker is told: JSON, see LAYOUT.md
    bool described = false;                  // its first worker told the methods
    std::vector<MethodDescription> methods;
    std::unordered_map<std::string_view, std::uint16_t> method_numbers;  // into `methods`, by name

    void set_methods(std::vector<MethodDescription> found);
};

// Reads the library and the private libraries that it needs from the manifest's folder, has them inspected, seals
// copies. Blocks. Errors name plugin, library and cause.
result<std::shared_ptr<Release>> read_release(Runtime& runtime, Manifest manifest);

// Looks at the same libraries and keeps nothing. One that is no plugin is no error.
result<Inspection> inspect_libraries(Runtime& runtime, const Manifest& manifest);

}  // namespace bulkhead::detail
