#include "state_writer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using testing::ScratchFolder;
using transport::testing::Random;

// A plugin whose state is a number.
struct Number {
    std::atomic<std::uint32_t> value{0};
    std::atomic<int> asked{0};
    std::mutex mutex;
    std::condition_variable changed;
    bool held = false;               // the writer waits in `newest`
    bool waiting = false;            // it does
    bool dwell = false;              // it does so with the value in its hand
    std::vector<std::string> heard;  // guarded by mutex

    StateTarget target(const std::filesystem::path& path) {
        return {StateFile(path, "counter"), [this] { return newest(); },
                [this](const std::string& error) {
                    const std::lock_guard lock(mutex);
                    heard.push_back(error);
                    changed.notify_all();
                }};
    }
    std::optional<StoredState> newest() {
        ++asked;
        std::unique_lock lock(mutex);
        const std::uint32_t found = value;
        const bool dwells = dwell;
        waiting = true;
        changed.notify_all();
        changed.wait(lock, [&] { return !held && !dwell; });
        waiting = false;
        const std::uint32_t now = dwells ? found : value.load();
        return now == 0 ? std::nullopt : std::optional(StoredState{now, {}});
    }
    void hold() {
        const std::lock_guard lock(mutex);
        held = true;
    }
    void leave() {
        const std::lock_guard lock(mutex);
        dwell = false;
        changed.notify_all();
    }
    void release() {
        const std::lock_guard lock(mutex);
        held = false;
        changed.notify_all();
    }
    void await_writer() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return waiting; });
    }
    std::vector<std::string> await_heard(std::size_t count) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return heard.size() >= count; });
        return heard;
    }
};

std::uint32_t on_disk(const std::filesystem::path& path) {
    const StateReading reading = StateFile(path, "counter").read(0);
    CHECK_MESSAGE(reading.refusal.empty(), reading.refusal);
    return reading.state ? reading.state->version : 0;
}

struct Fixture {
    ScratchFolder folder;
    std::filesystem::path path = folder.path() / "counter.state";
    Number number;
};

TEST_CASE_FIXTURE(Fixture, "after a flush the last change is on disk") {
    StateWriter writer;
    const auto target = writer.add(number.target(path));
    for (std::uint32_t value = 1; value <= 20; ++value) {
        number.value = value;
        writer.changed(target);
        if (value % 5 == 0) {
            writer.flush(target);
            CHECK(on_disk(path) == value);
        }
    }
    CHECK(number.heard.empty());
}

TEST_CASE_FIXTURE(Fixture, "what changes while the disk is busy is written once, as it is then") {
    StateWriter writer;
    const auto target = writer.add(number.target(path));
    number.hold();
    number.value = 1;
    writer.changed(target);
    number.await_writer();
    for (std::uint32_t value = 2; value <= 1000; ++value) {
        number.value = value;
        writer.changed(target);
    }
    number.release();
    writer.flush(target);
    CHECK(on_disk(path) == 1000);
    CHECK(number.asked == 2);
}

TEST_CASE_FIXTURE(Fixture,
                  "a refused state ends aside, also one that is being written, and a newer one takes its place") {
    const std::filesystem::path aside = path.string() + ".refused";
    StateWriter writer;
    const auto target = writer.add(number.target(path));
    SUBCASE("it lies there") {
        number.value = 1;
        writer.changed(target);
        writer.flush(target);
        number.value = 0;
        writer.put_aside(target);
        writer.flush(target);
        CHECK_FALSE(std::filesystem::exists(path));
        CHECK(on_disk(aside) == 1);
    }
    SUBCASE("the writer has it and has not written it yet") {
        number.value = 1;
        number.dwell = true;
        writer.changed(target);
        number.await_writer();
        number.value = 0;
        writer.put_aside(target);
        number.leave();
        writer.flush(target);
        CHECK_FALSE(std::filesystem::exists(path));
    }
    number.value = 2;
    writer.changed(target);
    writer.flush(target);
    CHECK(on_disk(path) == 2);
    CHECK(number.heard.empty());
}

TEST_CASE_FIXTURE(Fixture, "a state that could not be put aside is not written over") {
    StateWriter writer(24h);
    const auto target = writer.add(number.target(path));
    number.value = 1;
    writer.changed(target);
    writer.flush(target);
    const std::filesystem::path aside = path.string() + ".refused";
    std::filesystem::create_directories(aside);
    for (char number_of = '2'; number_of <= '9'; ++number_of) {
        std::filesystem::create_directories(aside.string() + "." + number_of);
    }
    number.value = 2;
    writer.put_aside(target);
    writer.flush(target);
    CHECK(on_disk(path) == 1);
    CHECK(number.await_heard(1).size() == 1);
    std::filesystem::remove_all(aside);
    writer.flush(target);
    CHECK(on_disk(aside) == 1);
    CHECK(on_disk(path) == 2);
}

TEST_CASE_FIXTURE(Fixture, "the end of the writer waits for what changed") {
    {
        StateWriter writer;
        const auto target = writer.add(number.target(path));
        number.value = 7;
        writer.changed(target);
    }
    CHECK(on_disk(path) == 7);
}

TEST_CASE_FIXTURE(Fixture, "nothing to write writes nothing") {
    StateWriter writer;
    const auto target = writer.add(number.target(path));
    writer.flush(target);
    writer.changed(target);
    writer.flush(target);
    CHECK(number.asked == 1);
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_FIXTURE(Fixture, "a removed target is on disk and never asked again") {
    StateWriter writer;
    const auto target = writer.add(number.target(path));
    number.value = 3;
    writer.changed(target);
    writer.remove(target);
    CHECK(on_disk(path) == 3);
    const int asked = number.asked;
    number.value = 4;
    writer.changed(target);
    writer.flush(target);
    writer.stop();
    CHECK(on_disk(path) == 3);
    CHECK(number.asked == asked);
}

TEST_CASE_FIXTURE(Fixture, "a stopped writer ignores changes and waits for nothing") {
    StateWriter writer;
    const auto target = writer.add(number.target(path));
    writer.stop();
    number.value = 1;
    writer.changed(target);
    writer.flush(target);
    writer.remove(target);
    writer.stop();
    CHECK_FALSE(std::filesystem::exists(path));
    const auto late = writer.add(number.target(path));
    writer.changed(late);
    writer.flush(late);
    CHECK(number.asked == 0);
}

TEST_CASE_FIXTURE(Fixture, "a failure is told once, tried again, and told when it is over") {
    path = folder.path() / "later" / "counter.state";
    StateWriter writer(1ms);
    const auto target = writer.add(number.target(path));
    number.value = 1;
    writer.changed(target);
    writer.flush(target);
    writer.flush(target);
    CHECK(number.await_heard(1).at(0) == "plugin counter: state file " + path.string() +
                                             " cannot be written: there is no folder " + path.parent_path().string());
    std::filesystem::create_directory(path.parent_path());
    const std::vector<std::string> heard = number.await_heard(2);  // nothing changed: it tried by itself
    CHECK(heard.size() == 2);
    CHECK(heard.at(1).empty());
    writer.flush(target);
    CHECK(on_disk(path) == 1);
}

TEST_CASE_FIXTURE(Fixture, "what failed is tried once more at the end") {
    path = folder.path() / "later" / "counter.state";
    StateWriter writer(24h);
    const auto target = writer.add(number.target(path));
    number.value = 1;
    writer.changed(target);
    writer.flush(target);
    CHECK(number.await_heard(1).size() == 1);
    std::filesystem::create_directory(path.parent_path());
    SUBCASE("stop") { writer.stop(); }
    SUBCASE("remove") { writer.remove(target); }
    SUBCASE("flush") { writer.flush(target); }
    CHECK(on_disk(path) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a state that cannot be had is a failure and ends nothing") {
    StateWriter writer;
    bool good = false;
    const auto target = writer.add({StateFile(path, "counter"),
                                    [&]() -> std::optional<StoredState> {
                                        if (!good) {
                                            throw std::bad_alloc();
                                        }
                                        return StoredState{5, {}};
                                    },
                                    [](const std::string&) { throw 1; }});
    writer.changed(target);
    writer.flush(target);
    good = true;
    writer.changed(target);
    writer.flush(target);
    CHECK(on_disk(path) == 5);
}

TEST_CASE_FIXTURE(Fixture, "changes from many threads to many targets: each flush finds its own on disk") {
    constexpr int kThreads = 4;
    constexpr std::uint32_t kChanges = 30;
    StateWriter writer(1ms);
    const auto work = [&](int index, Number& mine) {
        const std::filesystem::path file = folder.path() / std::to_string(index);
        const auto target = writer.add(mine.target(file));
        Random random(static_cast<std::uint64_t>(index));
        for (std::uint32_t value = 1; value <= kChanges; ++value) {
            mine.value = value;
            writer.changed(target);
            if (random.chance(30)) {
                writer.flush(target);
                if (on_disk(file) != value) {
                    return false;
                }
            }
        }
        if (index % 2 == 0) {
            writer.remove(target);
            return on_disk(file) == kChanges;
        }
        return true;
    };
    std::vector<Number> numbers(kThreads);
    std::vector<int> good(kThreads, 0);
    std::vector<std::thread> threads;
    for (int index = 0; index < kThreads; ++index) {
        threads.emplace_back([&, index] {
            good[static_cast<std::size_t>(index)] = work(index, numbers[static_cast<std::size_t>(index)]);
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    writer.stop();
    for (int index = 0; index < kThreads; ++index) {
        CHECK(good[static_cast<std::size_t>(index)] == 1);
        CHECK(on_disk(folder.path() / std::to_string(index)) == kChanges);
    }
}

}  // namespace
}  // namespace bulkhead::detail
