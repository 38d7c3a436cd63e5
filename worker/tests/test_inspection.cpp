// Inspections: what the confined process answers, and how it is written.
#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "inspection_text.hpp"
#include "support/guard_process.hpp"

namespace bulkhead::worker::test {
namespace {

using Json = nlohmann::json;
using transport::Descriptor;

Json inspect(GuardProcess& guard, int library) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const Descriptor output(ends[0]);
    Descriptor far(ends[1]);
    const int descriptors[] = {far.get(), library};
    transport::StartMessage message;
    message.role = transport::WorkerRole::inspect;
    const GuardProcess::Blank blank = guard.make_blank();
    blank.order(message, descriptors);
    far.reset();
    std::string text;
    char part[4096];
    ssize_t size = 0;
    do {
        REQUIRE(await_readable(output.get()));
        size = ::read(output.get(), part, sizeof part);
        text.append(part, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    } while (size > 0);
    CHECK(guard.await_exited(blank.pid).wait_status == 0);
    REQUIRE(Json::accept(text));
    return Json::parse(text);
}

Json inspect_file(GuardProcess& guard, const char* path) {
    const Descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
    REQUIRE(file);
    return inspect(guard, file.get());
}

TEST_CASE("an inspection says what a library is, and the process is gone afterwards") {
    GuardProcess guard;
    const Json answer = inspect_file(guard, BULKHEAD_TEST_PLUGINS "/libneeds_library.so");
    CHECK(answer["format"] == "elf64");
    CHECK(answer["type"] == "shared");
    CHECK(answer["machine"].is_string());
    CHECK(answer["soname"] == "libneeds_library.so");
    CHECK(answer["exports_entry"] == true);
    bool found = false;
    for (const Json& name : answer["needed"]) {
        found = found || name == "libdependency.so";
    }
    CHECK(found);
    CHECK(std::count(answer["exports"].begin(), answer["exports"].end(), "bulkhead_plugin") == 1);
    CHECK(answer["export_count"] == answer["exports"].size());
    CHECK(answer["import_count"] == answer["imports"].size());
    CHECK(answer["import_count"] > 0);
}

TEST_CASE("an inspection says in one sentence what is wrong with a file") {
    GuardProcess guard;
    CHECK(inspect_file(guard, "/dev/null") == Json{{"error", "it is empty"}});
    CHECK(inspect_file(guard, BULKHEAD_TEST_PLUGINS "/not_a_library.so") == Json{{"error", "it is not an ELF file"}});
    CHECK(inspect_file(guard, BULKHEAD_WORKER_PROGRAM) == Json{{"error", "it is an executable, not a shared library"}});
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const Descriptor near(ends[0]);
    const Descriptor far(ends[1]);
    CHECK(inspect(guard, near.get()) == Json{{"error", "it is empty"}});
}

TEST_CASE("names from a library are written as valid JSON, whatever their bytes") {
    static InspectionText text;
    const auto written_soname = [](std::string_view soname) {
        ElfLibrary library;
        library.soname = soname;
        text.write(library);
        REQUIRE(Json::accept(text.text()));
        return Json::parse(text.text())["soname"].get<std::string>();
    };
    CHECK(written_soname("lib\"\\\n\x01.so") == "lib\"\\\n\x01.so");
    CHECK(written_soname("lib\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80.so") == "lib\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80.so");
    CHECK(written_soname("\xFF") == "\xC3\xBF");
    for (const char* broken :
         {"\xC3", "\xE2\x82", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8"}) {
        CHECK(!written_soname(broken).empty());
    }
}

TEST_CASE("the longest possible answer fits") {
    static InspectionText text;
    const std::string name(kMaxLibraryName, '\x01');
    ElfLibrary library;
    library.soname = name;
    library.needed.fill(name);
    library.needed_count = kMaxNeeded;
    text.write(library);
    REQUIRE(Json::accept(text.text()));
    CHECK(Json::parse(text.text())["needed"].size() == kMaxNeeded);
}

// A file that is nothing but symbols, all exported, each with the same long name.
struct ManySymbols {
    explicit ManySymbols(std::size_t count) : file(kStrings + 256 + count * sizeof(Elf64_Sym)) {
        std::fill_n(file.begin() + kStrings, 255, std::byte{1});  // each becomes six characters of JSON
        const std::uint32_t head[2] = {0, static_cast<std::uint32_t>(count)};
        std::memcpy(file.data(), head, sizeof head);
        Elf64_Sym symbol{};
        symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
        symbol.st_shndx = 1;
        for (std::size_t index = 0; index < count; ++index) {
            std::memcpy(file.data() + kStrings + 256 + index * sizeof symbol, &symbol, sizeof symbol);
        }
    }
    ElfSymbols symbols() const {
        ElfSymbolTables tables;
        tables.strings = kStrings;
        tables.strings_end = kStrings + 256;
        tables.symbols = kStrings + 256;
        tables.hash = 0;
        return {BoundedBytes(file), tables};
    }
    static constexpr std::size_t kStrings = 64;
    std::vector<std::byte> file;
};

TEST_CASE("of very many symbols the answer holds as many as fit, and counts the rest") {
    static InspectionText text;
    const ManySymbols many(5000);
    const std::string name(kMaxLibraryName, '\x01');
    ElfLibrary library;
    library.soname = name;
    library.needed.fill(name);
    library.needed_count = kMaxNeeded;
    library.symbols = many.symbols();
    REQUIRE(library.symbols.size() == 5000);
    text.write(library);
    REQUIRE(text.text().size() < (std::size_t{1} << 20));
    REQUIRE(Json::accept(text.text()));
    const Json answer = Json::parse(text.text());
    CHECK(answer["export_count"] == 5000);
    CHECK(answer["exports"].size() > 100);
    CHECK(answer["exports"].size() < 5000);
    CHECK(answer["imports"].empty());
}

}  // namespace
}  // namespace bulkhead::worker::test
