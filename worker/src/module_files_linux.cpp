#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "module_files.hpp"

namespace bulkhead::worker {
namespace {

using transport::Descriptor;

constexpr std::array kSystemFolders = {
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"};

}  // namespace

void ModuleFiles::add_sealed(std::span<const Descriptor> libraries) {
    for (const Descriptor& library : libraries) {
        map(library.get());
    }
}

void ModuleFiles::add_own() {
    add("/proc/self/exe");
    const auto add_one = [](dl_phdr_info* info, std::size_t, void* files) {
        const std::string_view path(info->dlpi_name);
        if (path.starts_with('/') && static_cast<ModuleFiles*>(files)->add(info->dlpi_name)) {
            static_cast<ModuleFiles*>(files)->names_.emplace(file_name(path));
        }
        return 0;
    };
    ::dl_iterate_phdr(add_one, this);
}

void ModuleFiles::add_system(const StackCopy& stack) {
    for (const transport::BlackBoxModule& module : stack.modules()) {
        const std::string_view name(module.name, ::strnlen(module.name, sizeof module.name));
        if (name.empty() || name.find('/') != std::string_view::npos || !names_.emplace(name).second) {
            continue;
        }
        for (const char* folder : kSystemFolders) {
            if (add((std::string(folder) + "/" + std::string(name)).c_str())) {
                break;
            }
        }
    }
}

bool ModuleFiles::add(const char* path) {
    const Descriptor file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    const bool known = file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
    if (known) {
        map(file.get());
    }
    return known;
}

void ModuleFiles::map(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0 || status.st_size <= 0) {
        return;
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    // Writable, because libelf may put something right in its copy.
    void* bytes = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (bytes != MAP_FAILED) {
        files_.push_back({static_cast<std::byte*>(bytes), size});
    }
}

}  // namespace bulkhead::worker
