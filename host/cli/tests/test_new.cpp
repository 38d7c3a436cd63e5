// bulkhead new, with templates of the test's own.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

#include "support/command_line.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// Templates for the languages c and cpp, and an empty place to work in.
struct Workshop {
    Workshop() {
        for (const char* language : {"c", "cpp"}) {
            const fs::path folder = templates / language;
            fs::create_directories(folder / "tests_of_myplugin");
            std::ofstream(folder / "myplugin.src") << "plugin myplugin in " << language << ", class myplugin_class\n";
            std::ofstream(folder / "tests_of_myplugin" / "test_myplugin") << "#!/bin/sh\nmyplugin\n";
            fs::permissions(folder / "tests_of_myplugin" / "test_myplugin", fs::perms::owner_all);
        }
    }
    Ran make(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "new");
        arguments.insert(arguments.end(), {"--templates", templates.string()});
        return bulkhead(arguments, {.folder = place});
    }

    ScratchFolder scratch;
    fs::path templates = scratch.path() / "templates";
    fs::path place = [this] {
        fs::create_directory(scratch.path() / "place");
        return scratch.path() / "place";
    }();
};

TEST_CASE("a new plugin is the template with its name in files and texts") {
    const Workshop workshop;
    const Ran ran = workshop.make({"scaler", "--lang", "c"});
    CHECK(ran.code == 0);
    CHECK(ran.err == "");
    CHECK(ran.out == "made scaler:\n  scaler.src\n  tests_of_scaler/test_scaler\n");
    CHECK(content(workshop.place / "scaler/scaler.src") == "plugin scaler in c, class scaler_class\n");
    const fs::path script = workshop.place / "scaler/tests_of_scaler/test_scaler";
    CHECK(content(script) == "#!/bin/sh\nscaler\n");
    CHECK((fs::status(script).permissions() & fs::perms::owner_exec) != fs::perms::none);
    CHECK(workshop.make({"other"}).code == 0);
    CHECK(content(workshop.place / "other/other.src") == "plugin other in cpp, class other_class\n");
}

TEST_CASE("a name that contains the placeholder is put in once") {
    const Workshop workshop;
    CHECK(workshop.make({"myplugin2"}).code == 0);
    CHECK(content(workshop.place / "myplugin2/myplugin2.src").starts_with("plugin myplugin2 in"));
}

TEST_CASE("--in names another place") {
    const Workshop workshop;
    fs::create_directory(workshop.place / "plugins");
    CHECK(workshop.make({"scaler", "--in", "plugins"}).out.starts_with("made plugins/scaler:\n"));
    CHECK(fs::exists(workshop.place / "plugins/scaler/scaler.src"));
    CHECK(workshop.make({"scaler", "--in", "nowhere"}).code == 2);
}

TEST_CASE("names that could not be a plugin's are refused, and nothing is made") {
    const Workshop workshop;
    for (const char* name : {"", "Scaler", "2scaler", "my-plugin", "a/b", "..", ".", "a b", "_x", "class", "fn",
                             "while", "test", "bulkhead", "sk\xC3\xA4ler", "a.b", "x\n"}) {
        CAPTURE(name);
        const Ran ran = workshop.make({"--", name});
        CHECK(ran.code == 2);
        CHECK(ran.err.find("cannot be a plugin's name") != std::string::npos);
    }
    CHECK(workshop.make({std::string(41, 'x')}).code == 2);
    CHECK(fs::is_empty(workshop.place));
}

TEST_CASE("what exists is not overwritten") {
    const Workshop workshop;
    std::ofstream(workshop.place / "scaler") << "mine";
    CHECK(workshop.make({"scaler"}).code == 2);
    CHECK(content(workshop.place / "scaler") == "mine");
    fs::create_directory(workshop.place / "other");
    const Ran ran = workshop.make({"other"});
    CHECK(ran.code == 2);
    CHECK(ran.err.find("it exists already") != std::string::npos);
    CHECK(fs::is_empty(workshop.place / "other"));
}

TEST_CASE("the templates of this build make plugins with a good manifest and no trace of the template's name") {
    const ScratchFolder scratch;
    for (const char* language : {"c", "cpp", "rust"}) {
        const std::string name = std::string("scaler_") + language;
        const Ran ran = bulkhead({"new", name, "--lang", language}, {.folder = scratch.path()});
        REQUIRE_MESSAGE(ran.code == 0, ran.err);
        CHECK(bulkhead({"check", "--manifest", name}, {.folder = scratch.path()}).code == 0);
        for (const auto& entry : fs::recursive_directory_iterator(scratch.path() / name)) {
            CAPTURE(entry.path().string());
            CHECK(entry.path().filename().string().find("myplugin") == std::string::npos);
            if (entry.is_regular_file()) {
                CHECK(content(entry.path()).find("myplugin") == std::string::npos);
            }
        }
    }
}

TEST_CASE("templates come from the option, else from the environment, else from the installation") {
    const Workshop workshop;
    const Surroundings named{.folder = workshop.place,
                             .environment = {{"BULKHEAD_TEMPLATES", workshop.templates.string()}}};
    CHECK(bulkhead({"new", "scaler"}, named).code == 0);
    const Surroundings wrong{.folder = workshop.place, .environment = {{"BULKHEAD_TEMPLATES", "/nowhere"}}};
    const Ran ran = bulkhead({"new", "second"}, wrong);
    CHECK(ran.code == 3);
    CHECK(ran.err ==
          "bulkhead: there is no folder of templates at /nowhere; name it with --templates or "
          "BULKHEAD_TEMPLATES\n");
    CHECK(workshop.make({"third", "--lang", "rust"}).code == 3);
    CHECK(!fs::exists(workshop.place / "third"));
}

}  // namespace
}  // namespace bulkhead::tests
