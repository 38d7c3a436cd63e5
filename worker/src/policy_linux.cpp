#include "policy.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "process.hpp"

namespace bulkhead::worker {
namespace {

struct Setting {
    const char* name;
    __rlimit_resource resource;
    std::uint64_t value;
    std::uint64_t grace = 0;  // so much more until the kernel ends the process with a SIGKILL, which says nothing
};

// A limit that is stricter already stays: the server itself was not given more.
bool set_limit(const Setting& setting) {
    rlimit limit{};
    if (::getrlimit(setting.resource, &limit) != 0) {
        return false;
    }
    limit.rlim_max = std::min<rlim_t>(limit.rlim_max, setting.value + setting.grace);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, setting.value);
    return ::setrlimit(setting.resource, &limit) == 0;
}

}  // namespace

std::optional<Refusal> apply_limits(const Limits& limits) {
    const std::array settings{
        Setting{"address_space", RLIMIT_AS, limits.address_space},
        Setting{"open_files", RLIMIT_NOFILE, limits.open_files},
        Setting{"file_size", RLIMIT_FSIZE, limits.file_size},
        Setting{"cpu_seconds", RLIMIT_CPU, limits.cpu_seconds, 1},
        Setting{"stack", RLIMIT_STACK, limits.stack},
    };
    for (const Setting& setting : settings) {
        if (setting.value != 0 && !set_limit(setting)) {
            return Refusal{"its limit " + std::string(setting.name) + " of " + std::to_string(setting.value) +
                           " could not be set: " + std::strerror(errno)};
        }
    }
    if (!rule_out_core_dumps()) {
        return Refusal{std::string("core dumps could not be switched off: ") + std::strerror(errno)};
    }
    return std::nullopt;
}

std::optional<Refusal> apply_policy(const Order&) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return Refusal{std::string("new privileges could not be ruled out: ") + std::strerror(errno)};
    }
    return std::nullopt;
}

}  // namespace bulkhead::worker
