#include "callers.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <optional>

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using transport::kNoDeadline;
using transport::SteadyTime;

struct StoppedClock {
    SteadyTime time{1s};
    SteadyTime now() const { return time; }
};

// Time goes on only where a test says so.
struct Scene {
    StoppedClock clock;
    Callers callers;
};

// A thread that makes one call after the other.
class Caller {
  public:
    explicit Caller(Scene& scene) : scene_(scene) {}

    SyncWaiter& begin_call() {
        waiter_.emplace();
        on_own_thread([this] { scene_.callers.enlist(*waiter_, scene_.clock.time); });
        return *waiter_;
    }
    void answer() {
        waiter_->outcome.replied = true;
        waiter_->done = true;
        if (scene_.callers.reader() != &*waiter_) {
            scene_.callers.settle(*waiter_, scene_.clock.time);
        }
    }
    bool end_call() {
        bool nobody_reads = false;
        on_own_thread([&] { nobody_reads = scene_.callers.leave(*waiter_, scene_.clock); });
        return nobody_reads;
    }
    // While somebody else is there.
    void become_brisk() {
        for (std::uint32_t call = 0; call <= Callers::kBriskStreak; ++call) {
            begin_call();
            answer();
            CHECK_FALSE(end_call());
        }
    }
    bool reads() const { return scene_.callers.reader() == &*waiter_; }
    std::uint32_t word() const { return waiter_->word; }

  private:
    template <typename Work>
    void on_own_thread(Work&& work) {
        boost::asio::post(thread_, boost::asio::use_future(work)).get();
    }

    Scene& scene_;
    boost::asio::thread_pool thread_{1};
    std::optional<SyncWaiter> waiter_;
};

// `reader` reads in its turn, `other` sleeps; both are brisk.
struct Turn : Scene {
    Turn() {
        idler.begin_call();
        reader.become_brisk();
        other.become_brisk();
        reader.begin_call();
        other.begin_call();
        idler.answer();
        CHECK_FALSE(idler.end_call());
        REQUIRE(reader.reads());
    }
    Caller idler{*this};
    Caller reader{*this};
    Caller other{*this};
};

TEST_CASE("a caller that is alone reads, and nobody does when it has left") {
    Scene scene;
    Caller caller(scene);
    for (int call = 0; call < 3; ++call) {
        caller.begin_call();
        CHECK(caller.reads());
        caller.answer();
        CHECK(caller.end_call());
        CHECK(scene.callers.reader() == nullptr);
        CHECK(scene.callers.due() == kNoDeadline);
    }
}

TEST_CASE("one caller reads, and another one is woken when its answer is there") {
    Scene scene;
    Caller first(scene);
    Caller second(scene);
    first.begin_call();
    second.begin_call();
    CHECK(first.reads());
    CHECK(second.word() == SyncWaiter::kWaiting);
    second.answer();
    CHECK(second.word() == SyncWaiter::kDone);
    CHECK_FALSE(second.end_call());
    CHECK(first.reads());
}

TEST_CASE("a reader that leaves makes one that still waits the reader, in the order in which they came") {
    Scene scene;
    Caller first(scene);
    Caller second(scene);
    Caller third(scene);
    for (Caller* caller : {&first, &second, &third}) {
        caller->begin_call();
    }
    first.answer();
    CHECK_FALSE(first.end_call());
    CHECK(second.reads());
    CHECK(second.word() == SyncWaiter::kPromoted);
    CHECK(third.word() == SyncWaiter::kWaiting);
    second.answer();
    CHECK_FALSE(second.end_call());
    CHECK(third.reads());
    third.answer();
    CHECK(third.end_call());
}

TEST_CASE("who gives up while it sleeps is not made the reader") {
    Scene scene;
    Caller first(scene);
    Caller second(scene);
    first.begin_call();
    second.begin_call();
    CHECK_FALSE(second.end_call());
    first.answer();
    CHECK(first.end_call());
}

TEST_CASE("callers that call again and again take turns") {
    Turn turn;
    turn.other.answer();
    CHECK(turn.other.word() == SyncWaiter::kWaiting);  // its answer is kept

    SUBCASE("whose turn it is makes all its calls in it") {
        for (int call = 0; call < 5; ++call) {
            turn.reader.answer();
            CHECK_FALSE(turn.reader.end_call());
            CHECK(turn.callers.reader() == nullptr);
            CHECK(turn.callers.due() == turn.clock.time + Callers::kTurn + Callers::kTurnGrace);
            turn.reader.begin_call();
            CHECK(turn.reader.reads());
        }
        CHECK(turn.other.word() == SyncWaiter::kWaiting);
    }
    SUBCASE("the next one has its turn when that is over") {
        turn.clock.time += Callers::kTurn;
        turn.reader.answer();
        CHECK_FALSE(turn.reader.end_call());
        CHECK(turn.other.word() == SyncWaiter::kDone);
        CHECK(turn.callers.due() != kNoDeadline);
        turn.reader.begin_call();
        CHECK_FALSE(turn.reader.reads());
        CHECK_FALSE(turn.other.end_call());
        turn.other.begin_call();
        CHECK(turn.other.reads());
    }
    SUBCASE("they are woken when the reader's own answer is long in coming") {
        turn.callers.wake_overdue(turn.clock.time);
        CHECK(turn.other.word() == SyncWaiter::kWaiting);
        turn.callers.wake_overdue(turn.clock.time + Callers::kTurn);
        CHECK(turn.other.word() == SyncWaiter::kDone);
    }
    SUBCASE("they are woken when the reader has to sleep") {
        turn.callers.wake_answered(turn.clock.time);
        CHECK(turn.other.word() == SyncWaiter::kDone);
    }
    SUBCASE("a turn ends although who has it does not come back") {
        turn.reader.answer();
        CHECK_FALSE(turn.reader.end_call());
        CHECK_FALSE(turn.callers.end_overdue_turn(turn.clock.time));
        CHECK(turn.other.word() == SyncWaiter::kWaiting);
        CHECK_FALSE(turn.callers.end_overdue_turn(turn.callers.due()));
        CHECK(turn.other.word() == SyncWaiter::kDone);
    }
}

TEST_CASE("nobody reads when a turn has ended and no other caller is there") {
    Turn turn;
    turn.other.answer();
    turn.reader.answer();
    CHECK_FALSE(turn.reader.end_call());
    CHECK_FALSE(turn.callers.end_overdue_turn(turn.callers.due()));  // the other's
    turn.clock.time += 10s;
    CHECK_FALSE(turn.other.end_call());
    CHECK(turn.callers.end_overdue_turn(turn.callers.due()));
    CHECK(turn.callers.due() == kNoDeadline);
}

TEST_CASE("who does not call again and again is woken at once, whosever turn it is") {
    Turn turn;
    turn.idler.begin_call();
    CHECK_FALSE(turn.idler.reads());
    turn.idler.answer();
    CHECK(turn.idler.word() == SyncWaiter::kDone);
    CHECK(turn.reader.reads());
}

TEST_CASE("an error is not kept from a caller until its turn") {
    Turn turn;
    SyncWaiter& failed = turn.idler.begin_call();
    failed.brisk = true;
    failed.done = true;  // without a reply
    turn.callers.settle(failed, turn.clock.time);
    CHECK(failed.word == SyncWaiter::kDone);
}

TEST_CASE("calls that come too late after each other do not make a caller brisk") {
    Scene scene;
    Caller idler(scene);
    Caller caller(scene);
    idler.begin_call();
    for (std::uint32_t call = 0; call < 10 * Callers::kBriskStreak; ++call) {
        CHECK_FALSE(caller.begin_call().brisk);
        caller.answer();
        caller.end_call();
        scene.clock.time += Callers::kRightAfter;
    }
    caller.become_brisk();
    CHECK(caller.begin_call().brisk);
}

TEST_CASE("who is woken has its turn before those who never sleep call again") {
    Turn turn;
    turn.idler.begin_call();
    turn.idler.answer();  // woken, but on a core that others have
    turn.clock.time += 2 * Callers::kTurn;
    turn.other.answer();
    CHECK_FALSE(turn.other.end_call());
    turn.reader.answer();
    CHECK_FALSE(turn.reader.end_call());
    turn.reader.begin_call();
    CHECK_FALSE(turn.reader.reads());  // it has to sleep, and leaves its core
    CHECK_FALSE(turn.idler.end_call());
    CHECK(turn.reader.reads());
}

}  // namespace
}  // namespace bulkhead::detail
