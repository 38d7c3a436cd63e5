// A server that has no memory for a moment: at each step of what it does with a host, one after the other.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

#include "support/allocations.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

// Does it with its first allocation failing, with its second, and so on, until none fails. How often that was.
template <typename Prepare, typename Act>
std::uint64_t without_memory(Prepare&& prepare, Act&& act) {
    const pid_t here = ::getpid();
    for (std::uint64_t steps = 0;; ++steps) {
        CAPTURE(steps);
        bool happened = false;
        prepare();
        {
            const NoMemoryAfter none(steps);
            try {
                act();
            } catch (const std::bad_alloc&) {  // that is how it is told
            }
            happened = NoMemoryAfter::happened();
        }
        if (::getpid() != here) {  // a child of the host's goes on as a second server
            std::_Exit(EXIT_FAILURE);
        }
        if (!happened) {
            return steps;
        }
    }
}

TEST_CASE("a host that cannot be made for want of memory leaves nothing behind") {
    const auto before = Snapshot::take();
    {
        std::optional<Host> host;
        const std::uint64_t steps = without_memory([&] { host.reset(); },
                                                   [&] {
                                                       if (auto made = Host::create(host_options())) {
                                                           host.emplace(*std::move(made));
                                                       }
                                                   });
        CHECK(steps > 20);
    }
    // Boost.Process 1.81 leaves it where it cannot register it.
    const std::string once = before.leftovers();
    CHECK((once == "" || once == "1 descriptors of anon_inode:[pidfd]\n"));
}

TEST_CASE("a plugin that cannot be started for want of memory can be started later") {
    const Service service("greeter");
    const Plugin& plugin = service.plugin();
    const auto stopped = [&] {
        REQUIRE(plugin.start().has_value());
        REQUIRE(plugin.stop().has_value());
    };
    const std::uint64_t steps = without_memory(stopped, [&] { static_cast<void>(plugin.start()); });
    CHECK(steps > 0);
    CHECK(summary(plugin.call("greet", "Ada")) == "ok: Hello, Ada!");
}

TEST_CASE("a call whose answer finds no memory in the server says so, and is counted as that") {
    const Service service("faulty", kEndlessRestarts);
    const Plugin& plugin = service.plugin();
    std::uint64_t refused = 0;
    const auto nothing = [] {};
    const std::uint64_t steps = without_memory(nothing, [&] {
        const auto answer = plugin.call("big_reply", "60000");
        if (!answer) {
            ++refused;
            CHECK(answer.error().code == ErrorCode::overloaded);
            CHECK(answer.error().effect == Effect::unknown);
            CHECK(answer.error().message ==
                  "plugin faulty: call 'big_reply' was answered, but the host has no memory for the answer");
        }
    });
    CHECK(steps > 0);
    CHECK(refused == 1);
    const Stats stats = plugin.stats();
    CHECK(stats.failed(ErrorCode::overloaded) == refused);
    CHECK(unaccounted(stats) == "");
}

}  // namespace
}  // namespace bulkhead::tests
