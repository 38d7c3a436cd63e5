// A server that can open nothing more for a while: workers come later, and whoever asks is told why.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/processes.hpp"
#include "support/refusals.hpp"
#include "support/service.hpp"
#include "support/until.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

// While it lives, this process can open so many descriptors more.
class FewDescriptors {
  public:
    explicit FewDescriptors(int spare) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &former_) == 0);
        rlim_t limit = 3;
        for (int found = 0; found < spare; ++limit) {
            found += ::fcntl(static_cast<int>(limit), F_GETFD) < 0 ? 1 : 0;
        }
        const rlimit few{limit, former_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &former_); }

  private:
    rlimit former_{};
};

class NoDescriptors : public FewDescriptors {
  public:
    NoDescriptors() : FewDescriptors(0) {}
};

std::ptrdiff_t told_of_shortages(const std::vector<LogLine>& lines) {
    return std::count_if(lines.begin(), lines.end(), [](const LogLine& line) {
        return contains(line.text, "its next worker cannot be started yet: ") &&
               contains(line.text, "Too many open files");
    });
}

TEST_CASE("that a worker cannot be started now is told once, and it comes when it can") {
    const Service service("keeper", kEndlessRestarts);
    REQUIRE(summary(service.plugin().call("add", "2")) == "ok: 2");
    {
        const NoDescriptors none;
        CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
        CHECK(service.log().await([&](const std::vector<LogLine>& lines) { return told_of_shortages(lines) > 0; }));
        for (const auto& refused : {service.plugin().start(), service.plugin().restart()}) {
            REQUIRE(refused.has_error());
            check_sentence(refused.error().message, {"cannot be started yet", "Too many open files"});
        }
        CallOptions brief;
        brief.timeout = 200ms;
        CHECK(summary(service.plugin().call("get", "", brief)) == "timed_out/none");
    }
    CHECK(summary(service.plugin().call("get", "")) == "ok: 2");
    CHECK(told_of_shortages(service.log().all()) == 1);
    CHECK(service.plugin().status().incarnation == 2);
    CHECK(eventually([&] { return service.plugin().stats().restarts == 1; }));  // not each try
}

TEST_CASE("a restart for which there are no resources fails with that, and who served serves on") {
    const Service service("keeper", kEndlessRestarts);
    REQUIRE(summary(service.plugin().call("add", "2")) == "ok: 2");
    {
        const NoDescriptors none;
        for (int attempt = 0; attempt < 3; ++attempt) {
            const auto refused = service.plugin().restart();
            REQUIRE(refused.has_error());
            CHECK(refused.error().code == ErrorCode::load_failed);
            check_sentence(refused.error().message, {"was not restarted", "Too many open files", "serves on"});
        }
        CHECK(told_of_shortages(service.log().all()) == 1);
        CHECK(summary(service.plugin().call("get", "")) == "ok: 2");
        CHECK(service.plugin().status().incarnation == 1);
    }
    // Later that is forgotten.
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    CHECK(service.plugin().start().has_value());
    CHECK(service.plugin().restart().has_value());
    CHECK(service.plugin().status().incarnation == 3);
    CHECK(summary(service.plugin().call("get", "")) == "ok: 2");
}

TEST_CASE("whoever starts a plugin is told at once that there is no guard, and why") {
    const Service service("keeper", merged(kEndlessRestarts, {{"supervision", {{"start_ms", 60'000}}}}));
    for (int spare = 0; spare <= 8; spare += 2) {
        CAPTURE(spare);
        const Family family = await_family_of(::getpid());
        {
            const FewDescriptors few(spare);
            REQUIRE(::kill(family.guard, SIGKILL) == 0);
            REQUIRE(await_gone(family.guard));
            const auto started = service.plugin().restart();
            if (started.has_error()) {
                check_sentence(started.error().message, {"Too many open files"});
            }
        }
        CHECK(eventually([&] { return service.plugin().start().has_value(); }));
        CHECK(summary(service.plugin().call("get", "")) == "ok: 0");
    }
}

TEST_CASE("a plugin that cannot be loaded because the host can open nothing is refused with that cause") {
    Service service("keeper");
    const ManifestText greeter{R"({"name": "greeter", "version": "1.0.0", "library": "libgreeter.so"})",
                               built_plugin("greeter")};
    {
        const NoDescriptors none;
        const auto refused = service.host().load(greeter);
        REQUIRE(refused.has_error());
        check_sentence(refused.error().message, {"plugin greeter", "libgreeter.so", "Too many open files"});
    }
    CHECK(service.host().load(greeter).has_value());
}

TEST_CASE("a worker that dies with its fork server while the host can open nothing is found dead later") {
    const Service service("keeper", kEndlessRestarts);
    const auto worker = static_cast<pid_t>(service.plugin().status().worker_pid);
    const Family family = await_family_of(::getpid());
    // Not by a caller that blocks: that would see the kernel's death notice.
    const auto get = [&service] {
        CallOptions brief;
        brief.timeout = 200ms;
        return summary(service.plugin().async_call("get", "", brief, boost::asio::use_future).get());
    };
    REQUIRE(get() == "ok: 0");
    {
        const NoDescriptors none;
        REQUIRE(::kill(family.fork_server, SIGKILL) == 0);
        REQUIRE(eventually([worker] { return ::kill(worker, 0) != 0; }));
        CHECK(get() != "ok: 0");  // time for the host to hear that the fork server is gone
    }
    CHECK(eventually([&get] { return get() == "ok: 0"; }));
    // The fork server that came meanwhile is made to go on like any other.
    const Family later = await_family_of(::getpid());
    REQUIRE(::kill(later.fork_server, SIGSTOP) == 0);
    REQUIRE(::kill(later.blank, SIGKILL) == 0);
    const auto next = static_cast<pid_t>(service.plugin().status().worker_pid);
    REQUIRE(::kill(next, SIGKILL) == 0);
    REQUIRE(await_gone(next));
    CHECK(eventually([&get] { return get() == "ok: 0"; }));
}

}  // namespace
}  // namespace bulkhead::tests
