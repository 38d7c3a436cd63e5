#include <dlfcn.h>

#include "load_failure.hpp"
#include "plugin_library.hpp"

namespace bulkhead::worker {
namespace {

std::string path_of(const transport::Descriptor& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

OrRefusal<void*> open_library(const std::string& library, const transport::Descriptor& file,
                              const LibraryNames& names) {
    // RTLD_NOW: a symbol that nothing defines is found now, not in the middle of a call.
    void* handle = ::dlopen(path_of(file).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* message = ::dlerror();
        return Refusal{explain_load_failure(library, message != nullptr ? message : "no reason given", names)};
    }
    return handle;
}

}  // namespace

LibraryNames sealed_names(const Order& order, std::span<const transport::Descriptor> files) {
    LibraryNames names{{path_of(files[0]), order.library}};
    for (std::size_t index = 0; index < order.dependencies.size() && index + 1 < files.size(); ++index) {
        names[path_of(files[index + 1])] = order.dependencies[index];
    }
    return names;
}

OrRefusal<bulkhead_plugin_function> load_library(const Order& order, std::vector<transport::Descriptor> files) {
    if (files.size() != order.dependencies.size() + 1) {
        return Refusal{"its worker got " + std::to_string(files.size()) + " library files instead of " +
                       std::to_string(order.dependencies.size() + 1)};
    }
    const LibraryNames names = sealed_names(order, files);
    for (std::size_t index = 0; index < order.dependencies.size(); ++index) {
        const auto handle = open_library(order.dependencies[index], files[index + 1], names);
        if (!handle) {
            return handle.error();
        }
    }
    const auto library = open_library(order.library, files[0], names);
    if (!library) {
        return library.error();
    }
    const auto entry = reinterpret_cast<bulkhead_plugin_function>(::dlsym(*library, "bulkhead_plugin"));
    if (entry == nullptr) {
        return Refusal{"library " + order.library + " has no function bulkhead_plugin"};
    }
    return entry;
}

}  // namespace bulkhead::worker
