// The test plugins are what their names say, so that a host which refuses them refuses them for that reason.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>

#include "bulkhead/plugin/plugin.h"

namespace {

std::string library_of(const std::string& plugin) {
    return BULKHEAD_TEST_PLUGINS "/" + plugin + "/lib" + plugin + ".so";
}

// The table that a plugin's entry returns; null when it cannot be loaded or has no entry.
const bulkhead_plugin_table* table_of(const std::string& plugin) {
    void* library = ::dlopen(library_of(plugin).c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE_MESSAGE(library != nullptr, ::dlerror());
    const auto entry = reinterpret_cast<bulkhead_plugin_function>(::dlsym(library, "bulkhead_plugin"));
    return entry == nullptr ? nullptr : entry();
}

std::string load_error(const std::string& plugin) {
    void* library = ::dlopen(library_of(plugin).c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library == nullptr);
    return ::dlerror();
}

// The wait status of a child that runs `body`, but no longer than that.
int status_of(const std::function<int()>& body, unsigned seconds = 20) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::alarm(seconds);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

int status_of_create(const std::string& plugin, unsigned seconds = 20) {
    const auto create = [&plugin] {
        void* instance = nullptr;
        bulkhead_error error{};
        return table_of(plugin)->create(nullptr, {"{}", 2}, &instance, &error);
    };
    return status_of(create, seconds);
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every library lies beside its manifest, and one manifest has none") {
    for (const auto& folder : std::filesystem::directory_iterator(BULKHEAD_TEST_PLUGINS)) {
        const std::string name = folder.path().filename().string();
        CAPTURE(name);
        CHECK((!std::filesystem::exists(library_of(name)) || std::filesystem::exists(folder.path() / "plugin.json")));
    }
    CHECK(std::filesystem::exists(BULKHEAD_TEST_PLUGINS "/no_library/plugin.json"));
    CHECK_FALSE(std::filesystem::exists(library_of("no_library")));
}

TEST_CASE("the sound plugin is sound") {
    const auto* table = table_of("sound");
    REQUIRE(table != nullptr);
    CHECK(table->size == sizeof(bulkhead_plugin_table));
    CHECK(table->abi_version == BULKHEAD_ABI_VERSION);
    CHECK(std::string(table->methods[0].name) == "echo");
    CHECK(WEXITSTATUS(status_of_create("sound")) == 0);
}

TEST_CASE("the tables are wrong where they should be") {
    CHECK(table_of("no_entry") == nullptr);
    CHECK(table_of("null_entry") == nullptr);
    CHECK(table_of("wrong_abi")->abi_version == 99);
    CHECK(table_of("short_table")->size < offsetof(bulkhead_plugin_table, deactivate));
    CHECK(table_of("bad_method_size")->method_size < sizeof(bulkhead_method));
    CHECK((table_of("no_create")->create == nullptr));
    CHECK((table_of("no_destroy")->destroy == nullptr));
    CHECK(table_of("no_methods")->method_count == 0);
    CHECK(table_of("null_methods")->methods == nullptr);
    CHECK(table_of("too_many_methods")->method_count == 257);
    CHECK(std::string(table_of("too_many_methods")->methods[256].name) == "method-256");
    CHECK(std::string(table_of("nameless_method")->methods[0].name).empty());
    CHECK(table_of("null_method_name")->methods[0].name == nullptr);
    CHECK(std::strlen(table_of("long_method_name")->methods[0].name) == 60);
    CHECK((table_of("null_run")->methods[0].run == nullptr));
    const auto* twins = table_of("duplicate_methods");
    CHECK(std::string(twins->methods[0].name) == twins->methods[1].name);
}

TEST_CASE("the starts go wrong as they should") {
    CHECK(status_of([] { return ::dlopen(library_of("constructor_crash").c_str(), RTLD_NOW) == nullptr ? 1 : 0; }) !=
          0);
    CHECK(WEXITSTATUS(status_of_create("create_exits")) == 5);
    CHECK(WTERMSIG(status_of_create("create_hangs", 1)) == SIGALRM);

    void* instance = nullptr;
    bulkhead_error error{};
    CHECK(table_of("create_fails")->create(nullptr, {"{}", 2}, &instance, &error) != 0);
    CHECK(error.number == 12);
    CHECK(std::string(error.text) == "the licence has expired");
}

TEST_CASE("the loader cannot load what should not load") {
    CHECK(contains(load_error("undefined_symbol"), "nobody_defines_this"));
    CHECK(contains(load_error("missing_dependency"), "libgone.so"));
    CHECK(contains(load_error("private_dependency"), "libhelper.so"));
    CHECK(contains(load_error("private_dependency_without_soname"), "libnameless.so"));
    load_error("wrong_architecture");
    CHECK(contains(load_error("not_a_library"), "invalid ELF header"));
    // The loader may crash instead of telling.
    CHECK(status_of([] { return ::dlopen(library_of("truncated").c_str(), RTLD_NOW) == nullptr ? 1 : 0; }) != 0);
}

TEST_CASE("private dependencies load bottom-up and only under their own names") {
    const std::string beside = BULKHEAD_TEST_PLUGINS "/private_dependency/";
    REQUIRE(::dlopen((beside + "libbase.so").c_str(), RTLD_NOW) != nullptr);
    REQUIRE(::dlopen((beside + "libhelper.so").c_str(), RTLD_NOW) != nullptr);
    CHECK(std::string(table_of("private_dependency")->methods[0].name) == "help");

    const std::string nameless = BULKHEAD_TEST_PLUGINS "/private_dependency_without_soname/libnameless.so";
    REQUIRE(::dlopen(nameless.c_str(), RTLD_NOW) != nullptr);
    CHECK(contains(load_error("private_dependency_without_soname"), "libnameless.so"));
}
