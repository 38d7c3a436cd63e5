// The constant tables that a plugin's methods become.
#include <doctest/doctest.h>

#include "bulkhead/plugin/plugin.hpp"

using namespace bulkhead::plugin;

namespace {

struct Plain {
    void get() {}
    void put() {}
};
struct Serving {
    void get() {}
    void activate() {}
    void deactivate() {}
};

constexpr auto plain_methods =
    make_methods<Plain>(method<&Plain::get>("get", idempotent | thread_safe), method<&Plain::put>("put"));
constexpr auto plain = make_table<Plain>("plain", "1.2.3", plain_methods);

constexpr auto serving_methods = make_methods<Serving>(method<&Serving::get>("get"));
constexpr auto serving = make_table<Serving>("serving", "1", serving_methods);

// doctest cannot print a function pointer.
template <class Function>
bool present(Function* function) {
    return function != nullptr;
}

}  // namespace

TEST_CASE("the table is a constant that describes itself and the plugin") {
    static_assert(plain.size == sizeof(bulkhead_plugin_table));
    static_assert(plain.abi_version == BULKHEAD_ABI_VERSION);
    static_assert(plain.method_size == sizeof(bulkhead_method));
    static_assert(plain.method_count == 2);
    CHECK(std::string_view(plain.name) == "plain");
    CHECK(std::string_view(plain.version) == "1.2.3");
    CHECK(plain.methods == plain_methods.data());
    CHECK(present(plain.create));
    CHECK(present(plain.destroy));
}

TEST_CASE("methods keep their order, names and flags") {
    CHECK(std::string_view(plain_methods[0].name) == "get");
    static_assert(plain_methods[0].flags == (BULKHEAD_METHOD_IDEMPOTENT | BULKHEAD_METHOD_THREAD_SAFE));
    CHECK(std::string_view(plain_methods[1].name) == "put");
    static_assert(plain_methods[1].flags == 0);
    CHECK((plain_methods[0].run != plain_methods[1].run));
}

TEST_CASE("activate and deactivate are in the table only when the class has them") {
    CHECK_FALSE(present(plain.activate));
    CHECK_FALSE(present(plain.deactivate));
    CHECK(present(serving.activate));
    CHECK(present(serving.deactivate));
}
