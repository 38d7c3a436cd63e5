// The plugin object: made from its config or not at all, activated, deactivated, destroyed.
#include <doctest/doctest.h>

#include <string>

#include "bulkhead/plugin/plugin.hpp"
#include "bulkhead/plugin/testing/fake_worker.hpp"

using namespace bulkhead::plugin;
using bulkhead::plugin::testing::FakeWorker;

namespace {

// Writes down what happens to it; fails where its config says so.
class Diary {
  public:
    explicit Diary(const Context& context) : services_(context.services), config_(context.config) {
        fail_at("create");
        write("created");
    }
    ~Diary() { write("destroyed"); }
    Diary(const Diary&) = delete;
    Diary& operator=(const Diary&) = delete;

    void activate() {
        fail_at("activate");
        write("activated");
    }
    void deactivate() {
        fail_at("deactivate");
        write("deactivated");
    }
    std::string config() const { return config_; }

  private:
    void fail_at(std::string_view step) const {
        if (config_.starts_with(step)) {
            throw Error(9, config_);
        }
    }
    void write(std::string_view line) const { services_.log(LogLevel::info, line); }

    Services services_;
    std::string config_;
};

constexpr auto methods = make_methods<Diary>(method<&Diary::config>("config"));
constexpr auto table = make_table<Diary>("diary", "1", methods);

std::string take_log() {
    std::string all;
    for (const auto& line : testing::FakeLog::take()) {
        all += line.text + ";";
    }
    return all;
}

}  // namespace

TEST_CASE("the object lives from create to destroy and knows its config") {
    take_log();
    {
        FakeWorker worker(&table);
        REQUIRE(worker.create("{\"a\": 1}") == 0);
        REQUIRE(worker.activate() == 0);
        CHECK(worker.call("config").text == "{\"a\": 1}");
        worker.deactivate();
    }
    CHECK(take_log() == "created;activated;deactivated;destroyed;");
}

TEST_CASE("an exception in the constructor refuses the start with its number and text") {
    take_log();
    FakeWorker worker(&table);
    CHECK(worker.create("create failed: the disk is full") != 0);
    CHECK(worker.error().number == 9);
    CHECK(std::string(worker.error().text) == "create failed: the disk is full");
    CHECK(take_log().empty());
}

TEST_CASE("an exception in activate is told, and one in deactivate is logged") {
    FakeWorker unwilling(&table);
    REQUIRE(unwilling.create("activate failed: the port is taken") == 0);
    CHECK(unwilling.activate() != 0);
    CHECK(std::string(unwilling.error().text) == "activate failed: the port is taken");
    take_log();
    unwilling.destroy();
    CHECK(take_log().empty());  // as in a worker, which is given up

    FakeWorker clinging(&table);
    REQUIRE(clinging.create("deactivate failed") == 0);
    take_log();
    clinging.deactivate();
    CHECK(take_log() == "deactivate failed;");
}

TEST_CASE("a text that is too long for the error is cut between two characters") {
    bulkhead_error error{};
    set_error(error, 3, std::string(250, 'x') + "\xC3\xA4\xC3\xA4");
    CHECK(error.number == 3);
    CHECK(std::string(error.text) == std::string(250, 'x'));
    set_error(error, 3, std::string(251, 'y'));
    CHECK(std::string(error.text) == std::string(251, 'y'));
    set_error(error, 3, std::string(249, 'z') + "\xC3\xA4\xC3\xA4");
    CHECK(std::string(error.text) == std::string(249, 'z') + "\xC3\xA4");
}

TEST_CASE("a worker that offers less than the plugin was compiled for is refused") {
    bulkhead_services old = testing::fake_services();
    old.size = offsetof(bulkhead_services, plugin_directory);
    void* instance = nullptr;
    bulkhead_error error{};
    CHECK(table.create(&old, {"{}", 2}, &instance, &error) != 0);
    CHECK(std::string(error.text) == "the worker offers fewer services than the plugin was compiled for");
}
