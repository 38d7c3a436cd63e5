#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <vector>

#include "bulkhead/transport/descriptor.hpp"
#include "supervisor.hpp"
#include "support/supervised.hpp"
#include "support/until.hpp"

namespace bulkhead::detail {
namespace {

using testing::Supervised;
using transport::Descriptor;
using transport::testing::look_until;

Descriptor make_event() { return Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
void raise(const Descriptor& event) { ::eventfd_write(event.get(), 1); }
void drain(const Descriptor& event) {
    eventfd_t ignored = 0;
    ::eventfd_read(event.get(), &ignored);
}

TEST_CASE("a watched descriptor calls its handler each time, until it is unwatched") {
    Supervised supervised;
    const Descriptor event = make_event();
    std::atomic<int> calls{0};
    Supervisor::Id id = 0;
    supervised.run([&] {
        id = supervised.supervisor.watch(event.get(), EPOLLIN, [&](std::uint32_t events) {
            CHECK((events & EPOLLIN) != 0);
            drain(event);
            ++calls;
        });
    });
    REQUIRE(id != 0);
    for (int expected = 1; expected <= 10; ++expected) {
        raise(event);
        CHECK(look_until([&] { return calls == expected; }));
    }
    supervised.run([&] { supervised.supervisor.unwatch(id, event.get()); });
    raise(event);
    supervised.run([] {});
    supervised.run([] {});
    CHECK(calls == 10);
}

TEST_CASE("a handler can unwatch itself and lives until it has returned") {
    Supervised supervised;
    const Descriptor event = make_event();
    std::atomic<int> calls{0};
    auto witness = std::make_shared<int>(7);
    const std::weak_ptr<int> watched = witness;
    Supervisor::Id id = 0;
    supervised.run([&] {
        id = supervised.supervisor.watch(event.get(), EPOLLIN, [&, witness = std::move(witness)](std::uint32_t) {
            supervised.supervisor.unwatch(id, event.get());
            supervised.supervisor.unwatch(id, event.get());  // twice is fine
            CHECK(*witness == 7);
            ++calls;
        });
    });
    raise(event);
    CHECK(look_until([&] { return calls == 1; }));
    supervised.run([] {});
    CHECK(calls == 1);
    CHECK(watched.expired());
}

TEST_CASE("a handler can unwatch another descriptor whose event is waiting already") {
    Supervised supervised;
    std::vector<Descriptor> events(2);
    std::vector<Supervisor::Id> ids(2);
    std::atomic<int> calls{0};
    supervised.run([&] {
        for (std::size_t index = 0; index < 2; ++index) {
            events[index] = make_event();
            raise(events[index]);
            ids[index] = supervised.supervisor.watch(events[index].get(), EPOLLIN, [&, index](std::uint32_t) {
                ++calls;
                supervised.supervisor.unwatch(ids[1 - index], events[1 - index].get());
                supervised.supervisor.unwatch(ids[index], events[index].get());
            });
        }
    });
    CHECK(look_until([&] { return calls > 0; }));
    supervised.run([] {});
    CHECK(calls == 1);
}

TEST_CASE("a handler can watch a new descriptor under a number that was just closed") {
    Supervised supervised;
    Descriptor event = make_event();
    std::atomic<int> former{0};
    std::atomic<int> next{0};
    Supervisor::Id id = 0;
    supervised.run([&] {
        id = supervised.supervisor.watch(event.get(), EPOLLIN, [&](std::uint32_t) {
            ++former;
            supervised.supervisor.unwatch(id, event.get());
            event = Descriptor();
            event = make_event();
            supervised.supervisor.watch(event.get(), EPOLLIN, [&](std::uint32_t) {
                drain(event);
                ++next;
            });
        });
    });
    supervised.run([&] { raise(event); });
    CHECK(look_until([&] { return former == 1; }));
    supervised.run([&] { raise(event); });
    CHECK(look_until([&] { return next == 1; }));
    CHECK(former == 1);
}

TEST_CASE("an edge-triggered event needs no reading") {
    Supervised supervised;
    const Descriptor event = make_event();
    std::atomic<int> calls{0};
    supervised.run(
        [&] { supervised.supervisor.watch(event.get(), EPOLLIN | EPOLLET, [&](std::uint32_t) { ++calls; }); });
    for (int expected = 1; expected <= 5; ++expected) {
        raise(event);
        CHECK(look_until([&] { return calls == expected; }));
    }
}

TEST_CASE("what is waited for can change") {
    Supervised supervised;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    const Descriptor reader(ends[0]);
    const Descriptor writer(ends[1]);
    std::atomic<int> calls{0};
    Supervisor::Id id = 0;
    supervised.run([&] {
        id = supervised.supervisor.watch(writer.get(), 0, [&](std::uint32_t events) {
            CHECK((events & EPOLLOUT) != 0);
            ++calls;
            supervised.supervisor.modify(id, writer.get(), 0);
        });
    });
    supervised.run([] {});
    CHECK(calls == 0);
    supervised.run([&] { supervised.supervisor.modify(id, writer.get(), EPOLLOUT); });
    CHECK(look_until([&] { return calls == 1; }));
    supervised.run([] {});
    CHECK(calls == 1);
}

TEST_CASE("what cannot be watched is refused, and unwatching it does nothing") {
    Supervised supervised;
    supervised.run([&] {
        CHECK(supervised.supervisor.watch(-1, EPOLLIN, [](std::uint32_t) {}) == 0);
        CHECK(supervised.supervisor.watch(1 << 20, EPOLLIN, [](std::uint32_t) {}) == 0);
        supervised.supervisor.unwatch(0, -1);
    });
}

}  // namespace
}  // namespace bulkhead::detail
