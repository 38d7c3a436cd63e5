// Handlers that take and return plain types by way of JSON.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "bulkhead/plugin/json.hpp"
#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::FakeWorker;

namespace {

struct Size {
    int width = 640;
    int height = 480;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Size, width, height)

struct Item {
    std::string name = "unnamed";
    double price = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Item, name, price)

struct Basket {
    Size size;
    std::vector<Item> items;
    bool gift = false;
    std::map<std::string, int> counts;
    std::array<int, 3> colour{};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Basket, size, items, gift, counts, colour)

// Every field has to be there.
struct Strict {
    std::string from;
    std::string to;
    int amount = 0;
    Size size;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Strict, from, to, amount, size)

// Reads itself.
struct Even {
    int value = 0;
};
void from_json(const nlohmann::json& document, Even& even) {
    document.at("value").get_to(even.value);
    if (even.value % 2 != 0) {
        throw Error(5, "only even numbers");
    }
}

// Wants all its fields, one in another, and counts how often it is read.
struct Chain {
    static constexpr int kLinks = 20;
    static constexpr int kFields = 60;
    static inline int readings = 0;
};
void from_json(const nlohmann::json& document, Chain&) {
    ++Chain::readings;
    const nlohmann::json* link = &document;
    for (; link->contains("next"); link = &link->at("next")) {
        for (int field = 0; field < Chain::kFields; ++field) {
            static_cast<void>(link->at("f" + std::to_string(field)));
        }
    }
    static_cast<void>(link->at("value").get<int>());
}

struct Shop {
    Basket same(const Basket& basket) { return basket; }
    Strict strict(Strict order) { return order; }
    int area(const Size& size, Call& call) {
        CHECK_FALSE(call.text().empty());
        return size.width * size.height;
    }
    void later(Size size, Call call) { call.reply(size); }
    int twice(int number) { return number * 2; }
    int half(const Even& even) { return even.value / 2; }
    std::vector<int> sorted(std::vector<int> numbers) {
        std::sort(numbers.begin(), numbers.end());
        return numbers;
    }
    std::string text(const std::string& request) { return request; }
    Item not_utf8() { return {"\xFF", 1}; }
};

constexpr auto methods = make_methods<Shop>(
    method<&Shop::same>("same"), method<&Shop::strict>("strict"), method<&Shop::area>("area"),
    method<&Shop::later>("later"), method<&Shop::twice>("twice"), method<&Shop::half>("half"),
    method<&Shop::sorted>("sorted"), method<&Shop::text>("text"), method<&Shop::not_utf8>("not_utf8"));
constexpr auto table = make_table<Shop>("shop", "1", methods);

struct Fixture {
    FakeWorker worker{&table};
    Fixture() { REQUIRE(worker.create() == 0); }

    void check_reply(std::string_view method, std::string_view request, const nlohmann::json& reply) {
        CAPTURE(request);
        const Answer answer = worker.call(method, request);
        CHECK_MESSAGE(answer.kind == Answer::Kind::reply, answer.text);
        CHECK(nlohmann::json::parse(answer.text, nullptr, false) == reply);
    }
    void check_error(std::string_view method, std::string_view request, std::string_view text,
                     std::int32_t number = kUnspecified) {
        CAPTURE(request);
        const Answer answer = worker.call(method, request);
        CHECK(answer.kind == Answer::Kind::error);
        CHECK(answer.number == number);
        CHECK(answer.text == text);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "missing fields take their defaults and unknown ones are ignored") {
    const nlohmann::json empty = {{"size", {{"width", 640}, {"height", 480}}},
                                  {"items", nlohmann::json::array()},
                                  {"gift", false},
                                  {"counts", nlohmann::json::object()},
                                  {"colour", {0, 0, 0}}};
    check_reply("same", "{}", empty);
    auto other = empty;
    other["size"]["width"] = 5;
    other["items"] = {{{"name", "unnamed"}, {"price", 1.5}}};
    check_reply("same", R"({"size": {"width": 5, "depth": 9}, "items": [{"price": 1.5}], "colours": null})", other);
}

TEST_CASE_FIXTURE(Fixture, "structs, numbers and lists are requests and results, with the call and later too") {
    check_reply("area", R"({"width": 3, "height": 4})", 12);
    check_reply("later", R"({"width": 3})", {{"width", 3}, {"height", 480}});
    check_reply("twice", "21", 42);
    check_reply("sorted", "[3,1,2]", {1, 2, 3});
    CHECK(worker.call("text", "{not JSON").text == "{not JSON");
}

TEST_CASE_FIXTURE(Fixture, "a wrong type names the field, what it must be and what it is") {
    check_error("area", R"({"width": "wide"})", "width must be a number, not a string");
    check_error("same", R"({"size": {"height": 1, "width": []}})", "size.width must be a number, not an array");
    check_error("same", R"({"size": 5, "gift": true})", "size must be an object, not a number");
    check_error("same", R"({"size": null})", "size must be an object, not null");
    check_error("same", R"({"gift": {"a": 1, "b": 2}})", "gift must be a boolean, not an object");
    check_error("same", R"({"items": {"0": 1}})", "items must be an array, not an object");
    check_error("same", R"({"items": [{}, {"price": 1}, {"name": 7}, {}]})",
                "items[2].name must be a string, not a number");
    check_error("same", R"({"items": [{}, "x"]})", "items[1] must be an object, not a string");
    check_error("same", R"({"counts": {"a": 1, "b": {}, "c": 3}})", "counts.b must be a number, not an object");
    check_error("same", R"({"colour": [1, 2, "red"]})", "colour[2] must be a number, not a string");
    check_error("sorted", R"([1, [2], 3])", "[1] must be a number, not an array");
    check_error("area", "[1]", "the request must be an object, not an array");
    check_error("twice", R"("two")", "the request must be a number, not a string");
    check_error("later", R"({"width": "wide"})", "width must be a number, not a string");
}

TEST_CASE_FIXTURE(Fixture, "of several wrong fields one that is wrong is named") {
    const Answer answer = worker.call("same", R"({"items": [{"price": "a", "name": 1}], "size": {"width": "b"}})");
    CHECK(answer.text == "size.width must be a number, not a string");
}

TEST_CASE_FIXTURE(Fixture, "among fields that have to be there, the wrong one is found, and a missing one is named") {
    const char* const good = R"({"from": "a", "to": "b", "amount": 1, "size": {}})";
    CHECK(worker.call("strict", good).kind == Answer::Kind::reply);
    check_error("strict", R"({"from": "a", "to": "b", "amount": "c", "size": {}})",
                "amount must be a number, not a string");
    check_error("strict", R"({"from": "a", "to": 2, "amount": 1, "size": {}})", "to must be a string, not a number");
    check_error("strict", R"({"from": "a", "to": "b", "amount": 1, "size": {"width": "d"}})",
                "size.width must be a number, not a string");
    check_error("strict", R"({"from": "a", "to": "b", "size": {}})", "the request lacks the field amount");
}

TEST_CASE_FIXTURE(Fixture, "a type that reads itself may refuse a value with a number and a text of its own") {
    check_reply("half", R"({"value": 4})", 2);
    check_error("half", R"({"value": 3})", "only even numbers", 5);
    check_error("half", R"({"value": "x"})", "value must be a number, not a string");
    check_error("half", "{}", "the request lacks the field value");
}

TEST_CASE_FIXTURE(Fixture, "a wrong element is found in a long list without looking at all of them one by one") {
    nlohmann::json list = nlohmann::json::array();
    for (int i = 0; i < 200'000; ++i) {
        list.push_back(i);
    }
    list[123'456] = "x";
    check_error("sorted", list.dump(), "[123456] must be a number, not a string");
}

TEST_CASE("the search for a wrong field gives up before it costs much more than the request") {
    nlohmann::json document = {{"value", "x"}};
    for (int link = 0; link < Chain::kLinks; ++link) {
        nlohmann::json outer = {{"next", std::move(document)}};
        for (int field = 0; field < Chain::kFields; ++field) {
            outer["f" + std::to_string(field)] = nlohmann::json::array();
        }
        document = std::move(outer);
    }
    Chain::readings = 0;
    CHECK_THROWS_WITH_AS(from_json_document<Chain>(document, kRequestSubject),
                         "in the request a field must be a number, not a string", Error);
    CHECK(Chain::readings <= 501);
}

TEST_CASE_FIXTURE(Fixture, "what is not JSON, too deep, or cannot be written as JSON fails the call") {
    CHECK(worker.call("area", "{").text.starts_with("the request is not JSON: "));
    CHECK(worker.call("area", "").text.starts_with("the request is not JSON: "));
    CHECK(worker.call("sorted", std::string(1000, '[')).text == "the request is nested deeper than 128 levels");
    CHECK(worker.call("not_utf8").kind == Answer::Kind::error);
}
