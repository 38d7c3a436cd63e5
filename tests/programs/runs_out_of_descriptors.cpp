// A server that runs out of descriptors: while it makes a host, loads a plugin, and while a worker is restarted. Each
// time there is a clear answer, and all goes on when descriptors are free again.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "programs/server.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/snapshot.hpp"
#include "support/until.hpp"

using namespace bulkhead::programs;

namespace {

// Holds all descriptors but `spare` while it lives.
class Hoard {
  public:
    explicit Hoard(std::size_t spare) {
        for (int taken = ::open("/dev/null", O_RDONLY | O_CLOEXEC); taken >= 0;
             taken = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
            taken_.push_back(taken);
        }
        for (std::size_t given = 0; given < spare && !taken_.empty(); ++given) {
            ::close(taken_.back());
            taken_.pop_back();
        }
    }
    Hoard(const Hoard&) = delete;
    Hoard& operator=(const Hoard&) = delete;
    ~Hoard() {
        for (const int taken : taken_) {
            ::close(taken);
        }
    }

  private:
    std::vector<int> taken_;
};

void expect_clear(const bulkhead::Error& error, const std::string& during) {
    expect(error.code == bulkhead::ErrorCode::load_failed, during + " fails otherwise: " + error.message);
    expect(bulkhead::tests::contains(error.message, "Too many open files"), during + " says: " + error.message);
}

constexpr std::size_t kMost = 24;  // more than enough for each of the steps

void make_hosts() {
    int failures = 0;
    for (std::size_t spare = 0; spare < kMost; ++spare) {
        const Hoard hoard(spare);
        const auto host = bulkhead::Host::create(bulkhead::tests::host_options());
        if (host.has_error()) {
            ++failures;
            expect_clear(host.error(), "making a host");
        }
    }
    expect(failures > 0 && failures < static_cast<int>(kMost), "making hosts did not run out of descriptors");
}

void load_plugins(bulkhead::Host& host) {
    int failures = 0;
    for (std::size_t spare = 0; spare < kMost; ++spare) {
        const Hoard hoard(spare);
        const auto plugin = host.load(bulkhead::tests::built_plugin("greeter"));
        if (plugin.has_error()) {
            ++failures;
            if (plugin.error().code != bulkhead::ErrorCode::bad_manifest) {  // of which not even the file can be opened
                expect_clear(plugin.error(), "loading");
            }
        } else {
            expect(host.unload("greeter").has_value(), "unloading fails");
        }
    }
    expect(failures > 0 && failures < static_cast<int>(kMost), "loading did not run out of descriptors");
}

void restart_workers(const bulkhead::Plugin& plugin) {
    for (std::size_t spare = 0; spare < kMost; ++spare) {
        {
            const Hoard hoard(spare);
            const auto crashed = plugin.call("segfault", "");
            expect(crashed.has_error() && crashed.error().code == bulkhead::ErrorCode::crashed,
                   "a crash without descriptors: " + bulkhead::tests::summary(crashed));
            bulkhead::CallOptions brief;
            brief.timeout = std::chrono::milliseconds(100);
            const auto meanwhile = plugin.call("echo", "x", brief);
            expect(meanwhile.has_value() || meanwhile.error().code == bulkhead::ErrorCode::timed_out,
                   "while there is no worker: " + (meanwhile ? "answered" : meanwhile.error().message));
        }
        expect_echo_soon(plugin, "descriptors are free again");
    }
}

}  // namespace

int main() {
    const rlimit few{100, 100};
    ::setrlimit(RLIMIT_NOFILE, &few);
    const auto before = bulkhead::tests::Snapshot::take();
    make_hosts();
    expect(before.leftovers().empty(), before.leftovers());
    {
        auto host = make_host();
        load_plugins(host);
        // Hardly a restart is allowed: a shortage must not be taken for more deaths.
        const auto plugin =
            load(host, "faulty",
                 {{"supervision", {{"restarts", 3}, {"within_ms", 1}, {"backoff_ms", 0}, {"quarantine_deaths", 0}}}});
        restart_workers(plugin);
    }
    expect(before.leftovers().empty(), before.leftovers());
    say("done");
}
