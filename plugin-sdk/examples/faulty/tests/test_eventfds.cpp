#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bulkhead/plugin/testing/fake_worker.hpp"

TEST_CASE("saturate_pipes makes a pipe blocking and full") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    bulkhead::plugin::testing::FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    CHECK(worker.call("saturate_pipes").text == "1");
    CHECK((::fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0);
    pollfd writable{ends[1], POLLOUT, 0};
    CHECK(::poll(&writable, 1, 0) == 0);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("saturate_eventfds makes an eventfd blocking and full") {
    const int file = ::eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC);
    REQUIRE(file >= 0);
    bulkhead::plugin::testing::FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    CHECK(worker.call("saturate_eventfds").text == "1");
    CHECK((::fcntl(file, F_GETFL) & O_NONBLOCK) == 0);
    pollfd writable{file, POLLOUT, 0};
    CHECK(::poll(&writable, 1, 0) == 0);
    ::close(file);
}
