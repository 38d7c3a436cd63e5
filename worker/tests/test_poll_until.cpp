#include "poll_until.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A pipe whose reading end is looked at.
class Pipe {
  public:
    Pipe() {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        near_ = transport::Descriptor(ends[0]);
        far_ = transport::Descriptor(ends[1]);
    }
    void write() const { REQUIRE(::write(far_.get(), "x", 1) == 1); }
    std::array<pollfd, 1> events() const { return {pollfd{near_.get(), POLLIN, 0}}; }

  private:
    transport::Descriptor near_;
    transport::Descriptor far_;
};

TEST_CASE("nothing happens: it ends when the first thing is due, not before and not at the others") {
    const Pipe pipe;
    auto events = pipe.events();
    const auto due = Clock::now() + 3ms;
    CHECK(poll_until(events, {std::nullopt, due + 1h, due}) == 0);
    CHECK(Clock::now() >= due);
}

TEST_CASE("what is overdue does not wait") {
    const Pipe pipe;
    auto events = pipe.events();
    CHECK(poll_until(events, {Clock::now() - 1h}) == 0);
}

TEST_CASE("an event ends it at once, whether something is due or nothing") {
    const Pipe pipe;
    pipe.write();
    auto events = pipe.events();
    CHECK(poll_until(events, {Clock::now() + 1h}) == 1);
    CHECK(events[0].revents == POLLIN);
    CHECK(poll_until(events, {}) == 1);
    CHECK(poll_until(events, {std::nullopt, std::nullopt}) == 1);
}

}  // namespace
}  // namespace bulkhead::worker
