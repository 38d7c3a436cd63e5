// State as bytes: the forms a class can have it in, versions, limits, and old workers.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::FakeWorker;
using bulkhead::plugin::testing::SavedState;

namespace {

std::string error_of(const FakeWorker& worker) { return worker.error().text; }

template <class T>
const bulkhead_plugin_table& table_of() {
    static constexpr auto methods = make_methods<T>(method<&T::set>("set"), method<&T::get>("get"));
    static constexpr auto table = make_table<T>("note", "1", methods);
    return table;
}

// The public member.
struct HeldNote {
    static constexpr std::uint32_t state_version = 3;
    std::string state;
    void set(std::string_view text) { state = text; }
    std::string get() const { return state; }
};

// By functions, with bytes.
class ReturnedNote {
  public:
    static constexpr std::uint32_t state_version = 3;
    void set(std::string_view text) { note_ = text; }
    std::string get() const { return note_; }
    std::vector<std::byte> save() const {
        const auto bytes = std::as_bytes(std::span(note_));
        return {bytes.begin(), bytes.end()};
    }
    void load(const std::vector<std::byte>& state) {
        note_.assign(reinterpret_cast<const char*>(state.data()), state.size());
    }

  private:
    std::string note_;
};

// The same by reference.
class ReferredNote {
  public:
    static constexpr std::uint32_t state_version = 3;
    void set(std::string_view text) { note_ = text; }
    std::string get() const { return note_; }
    const std::string& save() const { return note_; }
    void load(std::string state) { note_ = std::move(state); }

  private:
    std::string note_;
};

// Written piece by piece; swallows what write throws.
class WrittenNote {
  public:
    static constexpr std::uint32_t state_version = 3;
    void set(std::string_view text) { note_ = text; }
    std::string get() const { return note_; }
    void save(StateOutput& output) const {
        try {
            for (const char& letter : note_) {
                output.write(std::string_view(&letter, 1));
            }
        } catch (const Error&) {  // its author knows no better
        }
    }
    void load(std::string_view state) { note_ = state; }

  private:
    std::string note_;
};

// Knows what other versions look like.
class VersionedNote {
  public:
    static constexpr std::uint32_t state_version = 3;
    void set(std::string_view text) { note_ = text; }
    std::string get() const { return note_; }
    void save(StateOutput& output) const { output.write(note_); }
    void load(std::span<const std::byte> state, std::uint32_t version) {
        if (version == 0) {
            throw Error(8, "version 0 never left the house");
        }
        note_ = "version " + std::to_string(version) + ": ";
        note_.append(reinterpret_cast<const char*>(state.data()), state.size());
    }

  private:
    std::string note_;
};

// Has handlers of these names and no state.
struct Stateless {
    std::string save() { return "saved"; }
    void load(std::string_view) {}
    void set(std::string_view) {}
    std::string get() const { return {}; }
};

}  // namespace

TEST_CASE_TEMPLATE("what one life saved the next one loads", T, HeldNote, ReturnedNote, ReferredNote, WrittenNote) {
    const std::string text("a\0b\xFF", 4);
    SavedState state;
    {
        FakeWorker worker(&table_of<T>());
        REQUIRE(worker.has_state());
        REQUIRE(worker.create() == 0);
        REQUIRE(worker.save(state) == 0);
        CHECK(state == SavedState{3, ""});
        worker.call("set", text);
        REQUIRE(worker.save(state) == 0);
        CHECK(state == SavedState{3, text});
    }
    FakeWorker next(&table_of<T>());
    REQUIRE(next.create() == 0);
    REQUIRE(next.load(state) == 0);
    CHECK(next.call("get").text == text);
    FakeWorker empty(&table_of<T>());
    REQUIRE(empty.create() == 0);
    REQUIRE(empty.load({3, ""}) == 0);
    CHECK(empty.call("get").text.empty());
}

TEST_CASE_TEMPLATE("bytes of another version are refused by who cannot tell", T, HeldNote, ReturnedNote, ReferredNote,
                   WrittenNote) {
    for (const std::uint32_t version : {0U, 2U, 4U}) {
        FakeWorker worker(&table_of<T>());
        REQUIRE(worker.create() == 0);
        CHECK(worker.load({version, "old"}) != 0);
        CHECK(error_of(worker) ==
              "the state has version " + std::to_string(version) + ", this plugin understands version 3");
    }
}

TEST_CASE("a load with a version gets them all, and may refuse") {
    FakeWorker worker(&table_of<VersionedNote>());
    REQUIRE(worker.create() == 0);
    REQUIRE(worker.load({1, "old"}) == 0);
    CHECK(worker.call("get").text == "version 1: old");
    REQUIRE(worker.load({7, "new"}) == 0);
    CHECK(worker.call("get").text == "version 7: new");
    CHECK(worker.load({0, ""}) != 0);
    CHECK(worker.error().number == 8);
    CHECK(error_of(worker) == "version 0 never left the house");
}

TEST_CASE_TEMPLATE("a state over the limit fails, also when the plugin does not care", T, HeldNote, ReturnedNote,
                   WrittenNote) {
    FakeWorker worker(&table_of<T>());
    REQUIRE(worker.create() == 0);
    worker.call("set", "12345");
    SavedState state;
    CHECK(worker.save(state, 5) == 0);
    CHECK(worker.save(state, 4) != 0);
    CHECK(error_of(worker) == "the state is over the manifest's state.limit");
}

TEST_CASE("a class without a state_version has no state, whatever its methods are called") {
    CHECK_FALSE(FakeWorker(&table_of<Stateless>()).has_state());
    CHECK(table_of<Stateless>().state_version == 0);
}

TEST_CASE("in a worker without write_state, save fails with a sentence and request_checkpoint does nothing") {
    bulkhead_services old = testing::fake_services();
    SUBCASE("its table ends before") { old.size = offsetof(bulkhead_services, write_state); }
    SUBCASE("its table has nothing there") {
        old.write_state = nullptr;
        old.request_checkpoint = nullptr;
    }
    const bulkhead_plugin_table& table = table_of<HeldNote>();
    void* instance = nullptr;
    bulkhead_error error{};
    REQUIRE(table.create(&old, {"{}", 2}, &instance, &error) == 0);
    bulkhead_state output(100);
    CHECK(table.save(instance, &output, &error) != 0);
    CHECK(std::string(error.text) == "this worker is older than the plugin and keeps no state");
    CHECK(output.bytes.empty());
    const int before = testing::fake_checkpoint_requests();
    Services(old).request_checkpoint();
    CHECK(testing::fake_checkpoint_requests() == before);
    table.destroy(instance);
}

TEST_CASE("a plugin can ask for a checkpoint") {
    const int before = testing::fake_checkpoint_requests();
    Services(testing::fake_services()).request_checkpoint();
    CHECK(testing::fake_checkpoint_requests() == before + 1);
}
