// Which plugin tables a worker accepts.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "plugin_table.hpp"

namespace bulkhead::worker::test {
namespace {

int create(const bulkhead_services*, bulkhead_bytes, void**, bulkhead_error*) { return 0; }
void destroy(void*) {}
void run(void*, bulkhead_call*, bulkhead_bytes) {}

struct Plugin {
    std::vector<bulkhead_method> methods{{"a", 0, 0, run}, {"b", BULKHEAD_METHOD_IDEMPOTENT, 0, run}};
    bulkhead_plugin_table table{sizeof(bulkhead_plugin_table),
                                BULKHEAD_ABI_VERSION,
                                sizeof(bulkhead_method),
                                "name",
                                "1",
                                methods.data(),
                                methods.size(),
                                create,
                                destroy,
                                nullptr,
                                nullptr,
                                0,
                                0,
                                nullptr,
                                nullptr};

    void use_methods() {
        table.methods = methods.data();
        table.method_count = methods.size();
    }
    std::string refusal() const {
        const auto result = check_plugin_table(&table, "libx.so");
        return result ? "" : result.error().sentence;
    }
};

TEST_CASE("a table of this ABI is accepted with its methods") {
    const Plugin plugin;
    const auto result = check_plugin_table(&plugin.table, "libx.so");
    REQUIRE(result.has_value());
    REQUIRE(result->methods.size() == 2);
    CHECK(std::string(result->methods[1].name) == "b");
    CHECK(result->methods[1].flags == BULKHEAD_METHOD_IDEMPOTENT);
    CHECK((result->functions.create == create));
}

TEST_CASE("a table that has grown at its end, and so have its methods, is accepted") {
    struct LargerMethod {
        bulkhead_method method;
        std::uint64_t later;
    };
    struct LargerTable {
        bulkhead_plugin_table table;
        std::uint64_t later;
    };
    const LargerMethod methods[] = {{{"a", 0, 0, run}, 1}, {{"b", 0, 0, run}, 2}};
    LargerTable larger{Plugin().table, 3};
    larger.table.size = sizeof larger;
    larger.table.method_size = sizeof(LargerMethod);
    larger.table.methods = &methods[0].method;
    larger.table.method_count = 2;
    const auto result = check_plugin_table(&larger.table, "libx.so");
    REQUIRE(result.has_value());
    CHECK(std::string(result->methods[1].name) == "b");
}

TEST_CASE("each fault of a table gets its own sentence") {
    Plugin plugin;
    SUBCASE("tiny") {
        plugin.table.size = 8;
        CHECK(plugin.refusal() == "library libx.so: its plugin table has 8 bytes; ABI 1 needs at least 80");
    }
    SUBCASE("short") {
        plugin.table.size = 79;
        CHECK(plugin.refusal() == "library libx.so: its plugin table has 79 bytes; ABI 1 needs at least 80");
    }
    SUBCASE("later ABI") {
        plugin.table.abi_version = 2;
        CHECK(plugin.refusal() == "library libx.so was built for plugin ABI 2; this worker speaks 1");
    }
    SUBCASE("method size") {
        plugin.table.method_size = 16;
        CHECK(plugin.refusal() == "library libx.so: its methods have 16 bytes each; ABI 1 needs at least 24");
    }
    SUBCASE("no create") {
        plugin.table.create = nullptr;
        CHECK(plugin.refusal() == "library libx.so: it has no create function");
    }
    SUBCASE("no destroy") {
        plugin.table.destroy = nullptr;
        CHECK(plugin.refusal() == "library libx.so: it has no destroy function");
    }
    SUBCASE("null methods") {
        plugin.table.methods = nullptr;
        CHECK(plugin.refusal() == "library libx.so: its methods are null, although it says it has 2");
    }
    SUBCASE("too many methods") {
        plugin.table.method_count = 257;
        CHECK(plugin.refusal() == "library libx.so: it has 257 methods; at most 256 are possible");
    }
    SUBCASE("no name") {
        plugin.methods[1].name = "";
        CHECK(plugin.refusal() == "library libx.so: its method number 1 has no name");
    }
    SUBCASE("null name") {
        plugin.methods[0].name = nullptr;
        CHECK(plugin.refusal() == "library libx.so: its method number 0 has no name");
    }
    SUBCASE("long name") {
        const std::string name(60, 'n');
        plugin.methods[0].name = name.c_str();
        CHECK(plugin.refusal() == "library libx.so: its method number 0 has a name of more than 59 bytes");
    }
    SUBCASE("longest name") {
        const std::string name(59, 'n');
        plugin.methods[0].name = name.c_str();
        CHECK(plugin.refusal().empty());
    }
    SUBCASE("same name") {
        plugin.methods[1].name = "a";
        CHECK(plugin.refusal() == "library libx.so: two of its methods are called a");
    }
    SUBCASE("no function") {
        plugin.methods[1].run = nullptr;
        CHECK(plugin.refusal() == "library libx.so: its method b has no function");
    }
    SUBCASE("no methods at all") {
        plugin.methods.clear();
        plugin.use_methods();
        CHECK(plugin.refusal().empty());
    }
}

TEST_CASE("a null table is refused") {
    CHECK(check_plugin_table(nullptr, "libx.so").error().sentence ==
          "library libx.so: its function bulkhead_plugin returned null");
}

}  // namespace
}  // namespace bulkhead::worker::test
