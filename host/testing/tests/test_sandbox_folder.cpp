// The copy of a plugin's folder whose config a test replaces.
#include "sandbox_folder.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "bulkhead/plugin/testing.hpp"

using namespace bulkhead::plugin::testing;
namespace fs = std::filesystem;

namespace {

nlohmann::json manifest_in(const fs::path& folder) {
    std::ifstream file(folder / "plugin.json");
    return nlohmann::json::parse(file);
}

// While it lives, temporary files of this process are made in an empty folder of their own.
class TemporaryFiles {
  public:
    TemporaryFiles() {
        std::string name = (fs::temp_directory_path() / "bulkhead-test-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
        if (const char* before = std::getenv("TMPDIR")) {
            before_ = before;
        }
        ::setenv("TMPDIR", path_.c_str(), 1);
    }
    TemporaryFiles(const TemporaryFiles&) = delete;
    TemporaryFiles& operator=(const TemporaryFiles&) = delete;
    ~TemporaryFiles() {
        before_ ? ::setenv("TMPDIR", before_->c_str(), 1) : ::unsetenv("TMPDIR");
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
    std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("without a config of its own a sandbox uses the plugin's folder itself") {
    const SandboxFolder folder(BULKHEAD_FAULTY_PLUGIN, "");
    CHECK(folder.path() == BULKHEAD_FAULTY_PLUGIN);
}

TEST_CASE("with one it uses a copy, which is removed afterwards and leaves the original alone") {
    const auto before = manifest_in(BULKHEAD_FAULTY_PLUGIN);
    fs::path copy;
    {
        const SandboxFolder folder(BULKHEAD_FAULTY_PLUGIN, R"({"start": "crash"})");
        copy = folder.path();
        auto expected = before;
        expected["config"] = {{"start", "crash"}};
        CHECK(manifest_in(copy) == expected);
        CHECK(fs::exists(copy / before.at("library").get<std::string>()));
    }
    CHECK_FALSE(fs::exists(copy));
    CHECK(manifest_in(BULKHEAD_FAULTY_PLUGIN) == before);
}

TEST_CASE("a config that is not JSON is refused and leaves nothing behind") {
    const TemporaryFiles files;
    CHECK_THROWS_AS(SandboxFolder(BULKHEAD_FAULTY_PLUGIN, "{"), StartFailure);
    CHECK(fs::is_empty(files.path()));
}
