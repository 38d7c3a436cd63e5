#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "worker_locator.hpp"

namespace bulkhead::detail {
namespace {

constexpr char kName[] = "bulkhead-worker";

bool is_executable(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

// The folder of the file that this code was loaded from: a shared library, or the program when linked statically.
std::filesystem::path home_of_this_code() {
    Dl_info info{};
    void* extra = nullptr;
    std::error_code error;
    if (::dladdr1(reinterpret_cast<const void*>(&locate_worker), &info, &extra, RTLD_DL_LINKMAP) != 0) {
        // The program itself has no name there. Its dli_fname is argv[0], which whoever started it chose.
        const std::string loaded = static_cast<const link_map*>(extra)->l_name;
        const std::filesystem::path file = std::filesystem::canonical(loaded, error);
        if (!loaded.empty() && !error) {
            return file.parent_path();
        }
    }
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

Error missing(const std::string& sentence) { return Error{ErrorCode::load_failed, Effect::none, 0, sentence, nullptr}; }

}  // namespace

result<std::filesystem::path> locate_worker(const std::filesystem::path& chosen) {
    if (!chosen.empty()) {
        if (is_executable(chosen)) {
            return std::filesystem::absolute(chosen);
        }
        return missing("the worker executable " + chosen.string() +
                       ", named by HostOptions::worker, is not there or not executable");
    }
    if (const char* named = std::getenv("BULKHEAD_WORKER"); named != nullptr && *named != '\0') {
        if (is_executable(named)) {
            return std::filesystem::absolute(named);
        }
        return missing("the worker executable " + std::string(named) +
                       ", named by BULKHEAD_WORKER, is not there or not executable");
    }
    const std::filesystem::path home = home_of_this_code();
    std::string looked;
    for (const auto& folder : {home, home / "../bin", home / BULKHEAD_WORKER_FROM_LIBRARY}) {
        const std::filesystem::path candidate = (folder / kName).lexically_normal();
        if (is_executable(candidate)) {
            return candidate;
        }
        looked += (looked.empty() ? "" : ", ") + candidate.string();
    }
    return missing("the worker executable bulkhead-worker was not found (looked at " + looked +
                   "); name it in HostOptions::worker or BULKHEAD_WORKER");
}

}  // namespace bulkhead::detail
