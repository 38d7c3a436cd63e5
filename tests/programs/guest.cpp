// A server that looks closely at what a host changes in it: nothing.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "programs/server.hpp"
#include "support/snapshot.hpp"

using namespace bulkhead::programs;

namespace {

// What belongs to the server alone.
struct Household {
    std::vector<std::string> signals;
    std::vector<std::string> environment;
    std::string folder;
    mode_t mask = 0;
    std::vector<rlim_t> limits;

    bool operator==(const Household&) const = default;

    static Household look() {
        Household household;
        for (int number = 1; number < NSIG; ++number) {
            struct sigaction action {};
            ::sigaction(number, nullptr, &action);
            household.signals.emplace_back(reinterpret_cast<const char*>(&action.sa_handler), sizeof action.sa_handler);
        }
        for (char** variable = environ; *variable != nullptr; ++variable) {
            household.environment.emplace_back(*variable);
        }
        household.folder = std::filesystem::current_path();
        household.mask = ::umask(0);
        ::umask(household.mask);
        for (int resource = 0; resource < RLIMIT_NLIMITS; ++resource) {
            rlimit limit{};
            ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
            household.limits.push_back(limit.rlim_cur);
            household.limits.push_back(limit.rlim_max);
        }
        return household;
    }
};

void expect_close_on_exec(const bulkhead::tests::Snapshot& before) {
    for (const auto& [number, target] : bulkhead::tests::Snapshot::take().descriptors) {
        const bool own = before.descriptors.contains(number);
        expect(own || (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0,
               "descriptor " + std::to_string(number) + " " + target + " would be inherited");
    }
}

}  // namespace

int main() {
    ::umask(027);
    const Household household = Household::look();
    const auto before = bulkhead::tests::Snapshot::take();
    {
        auto host = make_host();
        expect(Household::look() == household, "creating a host changed the household");
        expect_close_on_exec(before);
        const auto plugin = load(host, "faulty", kTireless);
        expect(Household::look() == household, "loading a plugin changed the household");
        expect_close_on_exec(before);
        expect(plugin.call("print", "this goes to the log hook, which is not there").has_value(), "print failed");
        serve_through_deaths(plugin);
        expect(Household::look() == household, "serving changed the household");
        expect_close_on_exec(before);
    }
    expect(Household::look() == household, "destroying a host changed the household");
    expect(before.leftovers().empty(), before.leftovers());
}
