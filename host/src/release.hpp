// One immutable content of a plugin.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <bulkhead/transport/layout.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/inspection.hpp"
#include "bulkhead/host/plugin.hpp"
#include "manifest.hpp"

namespace bulkhead::detail {

struct Runtime;

// A library as it was when it was read: later changes on disk do not reach it.
struct SealedLibrary {
    std::string name;
    std::shared_ptr<transport::Descriptor> file;
};

// Shared by all workers that run it. Immutable once its first worker was ready, which tells the methods.
struct Release {
    Manifest manifest;
    transport::Geometry geometry;
    SealedLibrary library;
    std::vector<SealedLibrary> dependencies;  // private ones, bottom-up
    transport::Descriptor order;              // what each worker is told, sealed
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
