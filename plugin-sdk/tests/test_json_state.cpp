// State as a struct: defaults, unknown fields, versions.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "bulkhead/plugin/json.hpp"
#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::FakeWorker;
using bulkhead::plugin::testing::SavedState;
using nlohmann::json;

namespace {

struct Shelf {
    std::string label = "unnamed";
    int books = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Shelf, label, books)

struct Library {
    Shelf shelf;
    std::map<std::string, int> lent;
    std::map<std::string, Shelf> rooms;
    int visitors = 7;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Library, shelf, lent, rooms, visitors)

struct Plain {
    static constexpr std::uint32_t state_version = 2;
    Library state;
};

struct Keeping {
    static constexpr std::uint32_t state_version = 2;
    static constexpr bool keep_unknown_fields = true;
    Library state;
};

// Clears a room each time that it saves.
struct Clearing {
    static constexpr std::uint32_t state_version = 2;
    static constexpr bool keep_unknown_fields = true;
    void load(Library state) { library = std::move(state); }
    Library save() const {
        Library cleared = library;
        cleared.rooms.erase("attic");
        return cleared;
    }
    Library library;
};

struct Migrating {
    static constexpr std::uint32_t state_version = 2;
    Library state;
    static json migrate(json old, std::uint32_t version) {
        if (version != 1) {
            throw Error(4, "only version 1 is known");
        }
        return {{"shelf", {{"books", old.at("book_count")}}}};
    }
};

class Versioned {
  public:
    static constexpr std::uint32_t state_version = 2;
    const Library& save() const { return library_; }
    void load(Library library, std::uint32_t version) {
        library_ = std::move(library);
        library_.visitors += static_cast<int>(version) * 100;
    }

  private:
    Library library_;
};

struct AnyJson {
    static constexpr std::uint32_t state_version = 2;
    json state = json::object();
};

class Number {
  public:
    static constexpr std::uint32_t state_version = 1;
    std::int64_t save() const { return number_; }
    void load(std::int64_t number) { number_ = number; }

  private:
    std::int64_t number_ = 5;
};

template <class T>
const bulkhead_plugin_table& table_of() {
    static constexpr std::array<bulkhead_method, 0> methods{};
    static constexpr auto table = make_table<T>("library", "1", methods);
    return table;
}

SavedState cbor(const json& document, std::uint32_t version = 2) {
    const auto bytes = json::to_cbor(document);
    return {version, std::string(bytes.begin(), bytes.end())};
}

// Loads it and saves again; a text: why it did not.
template <class T>
json through(const SavedState& state) {
    FakeWorker worker(&table_of<T>());
    REQUIRE(worker.create() == 0);
    if (worker.load(state) != 0) {
        return worker.error().text;
    }
    SavedState saved;
    REQUIRE(worker.save(saved) == 0);
    CHECK(saved.version == table_of<T>().state_version);
    return json::from_cbor(saved.bytes, true, true, json::cbor_tag_handler_t::store);
}

const json kFull = {
    {"shelf", {{"label", "poems"}, {"books", 3}}}, {"lent", {{"Ada", 1}}}, {"rooms", json::object()}, {"visitors", 9}};

}  // namespace

TEST_CASE("a struct goes through a checkpoint unchanged") {
    CHECK(through<Plain>(cbor(kFull)) == kFull);
    CHECK(through<Keeping>(cbor(kFull)) == kFull);
    CHECK(through<AnyJson>(cbor(kFull)) == kFull);
    CHECK(through<Number>(cbor(-12, 1)) == -12);
}

TEST_CASE("missing fields take their defaults, and unknown ones are ignored") {
    const json loaded = through<Plain>(cbor({{"shelf", {{"books", 4}, {"colour", "red"}}}, {"roof", "flat"}}));
    CHECK(loaded == json({{"shelf", {{"label", "unnamed"}, {"books", 4}}},
                          {"lent", json::object()},
                          {"rooms", json::object()},
                          {"visitors", 7}}));
}

TEST_CASE("unknown fields are written back when the class wants that") {
    json document = kFull;
    document["roof"] = {"flat", 3};
    document["shelf"]["colour"] = "red";
    CHECK(through<Keeping>(cbor(document)) == document);
    CHECK(through<Keeping>(cbor(document, 9)) == document);
}

TEST_CASE("what the plugin itself took away does not come back as unknown") {
    FakeWorker worker(&table_of<Keeping>());
    REQUIRE(worker.create() == 0);
    REQUIRE(worker.load(cbor(kFull)) == 0);
    REQUIRE(worker.load(cbor({{"lent", json::object()}})) == 0);
    SavedState saved;
    REQUIRE(worker.save(saved) == 0);
    CHECK(json::from_cbor(saved.bytes).at("lent").empty());
}

TEST_CASE("an object that the plugin took away does not come back for the unknown fields in it") {
    json document = kFull;
    document["rooms"] = {{"attic", {{"label", "old"}, {"books", 1}, {"colour", "grey"}}},
                         {"cellar", {{"label", "dark"}, {"books", 2}, {"colour", "black"}}}};
    document["annexe"] = {{"attic", {{"books", 5}}}};
    const json saved = through<Clearing>(cbor(document));
    document["rooms"].erase("attic");
    CHECK(saved == document);
}

TEST_CASE("binary values keep their subtype through a checkpoint") {
    const json document = {
        {"plain", json::binary({1, 2})}, {"small", json::binary({3}, 7)}, {"large", json::binary({4}, 70'000)}};
    CHECK(through<AnyJson>(cbor(document)) == document);
}

TEST_CASE("an older version is read with defaults, a later one is refused") {
    CHECK(through<Plain>(cbor(kFull, 1)) == kFull);
    CHECK(through<Plain>(cbor(kFull, 3)) == "the state has version 3, this plugin understands version 2");
}

TEST_CASE("migrate brings another version up, and only that") {
    CHECK(through<Migrating>(cbor({{"book_count", 11}}, 1)).at("shelf").at("books") == 11);
    CHECK(through<Migrating>(cbor(kFull)) == kFull);
    CHECK(through<Migrating>(cbor(kFull, 3)) == "only version 1 is known");
    CHECK(through<Migrating>(cbor(json::object(), 1)).get<std::string>().find("book_count") != std::string::npos);
}

TEST_CASE("a load with a version gets it") {
    CHECK(through<Versioned>(cbor(kFull, 1)).at("visitors") == 109);
    CHECK(through<Versioned>(cbor(kFull, 3)).at("visitors") == 309);
}

TEST_CASE("a state of a wrong type is refused and the field named") {
    CHECK(through<Plain>(cbor({{"shelf", {{"books", "four"}}}})) == "state.shelf.books must be a number, not a string");
    CHECK(through<Plain>(cbor(17)) == "the state must be an object, not a number");
}

TEST_CASE("bytes that are no CBOR are refused") {
    for (const char* bytes : {"", "\xFF", "\xA1"}) {
        const json answer = through<Plain>({2, bytes});
        CHECK(answer.get<std::string>().starts_with("the state is not CBOR: "));
    }
}
