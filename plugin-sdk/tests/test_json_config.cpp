// Plugin objects that are made from a configuration struct.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "bulkhead/plugin/json.hpp"
#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::FakeWorker;

namespace {

struct Cache {
    int entries = 100;
    std::string name = "main";
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Cache, entries, name)

struct Options {
    std::string greeting = "Hello";
    Cache cache;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Options, greeting, cache)

class ByReference {
  public:
    explicit ByReference(const Options& options) : options_(options) {}
    std::string describe() const { return options_.greeting + " " + std::to_string(options_.cache.entries); }

  private:
    Options options_;
};

class ByValueWithServices {
  public:
    ByValueWithServices(Options options, Services services) : options_(std::move(options)) {
        services.log(LogLevel::info) << "made for " << options_.cache.name;
    }
    std::string describe() const { return options_.cache.name; }

  private:
    Options options_;
};

class JsonWithServices {
  public:
    JsonWithServices(const nlohmann::json& config, const Services& services)
        : text_(config.dump() + std::string(services.plugin_directory())) {}
    std::string describe() const { return text_; }

  private:
    std::string text_;
};

struct FromText {
    explicit FromText(const std::string&);
};
struct FirstMember {
    Options options;
};
static_assert(ConfigConstructible<ByReference> && ConfigConstructible<ByValueWithServices>);
static_assert(JsonConstructible<JsonWithServices> && !ConfigConstructible<JsonWithServices>);
static_assert(!ConfigConstructible<FromText>, "a text is no configuration struct");
static_assert(!ConfigConstructible<FirstMember>, "the config is not an aggregate's first member");

template <class T>
constexpr auto methods_of = make_methods<T>(method<&T::describe>("describe"));
template <class T>
constexpr auto table_of = make_table<T>("configured", "1", methods_of<T>);

template <class T>
std::string described(std::string_view config) {
    FakeWorker worker(&table_of<T>);
    return worker.create(config) == 0 ? worker.call("describe").text : "refused: " + std::string(worker.error().text);
}

}  // namespace

TEST_CASE("an object is made from its configuration struct, whose missing fields take defaults") {
    CHECK(described<ByReference>("{}") == "Hello 100");
    CHECK(described<ByReference>(R"({"greeting": "Hi", "cache": {"entries": 7}, "colour": "red"})") == "Hi 7");
}

TEST_CASE("an object may ask for the services beside its config") {
    testing::FakeLog::take();
    CHECK(described<ByValueWithServices>(R"({"cache": {"name": "side"}})") == "side");
    const auto log = testing::FakeLog::take();
    REQUIRE(log.size() == 1);
    CHECK(log[0].text == "made for side");
    CHECK(described<JsonWithServices>("{ }") == "{}/plugins/under-test");
}

TEST_CASE("a field of a wrong type refuses the start and is named") {
    CHECK(described<ByReference>(R"({"greeting": 5})") == "refused: config.greeting must be a string, not a number");
    CHECK(described<ByValueWithServices>(R"({"cache": {"entries": "many"}})") ==
          "refused: config.cache.entries must be a number, not a string");
    CHECK(described<ByReference>("[]") == "refused: the config must be an object, not an array");
    CHECK(described<ByReference>("{").starts_with("refused: the config is not JSON: "));
}
