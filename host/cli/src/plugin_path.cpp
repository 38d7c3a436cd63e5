#include "plugin_path.hpp"

#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "failure.hpp"

namespace bulkhead::cli {
namespace {

namespace fs = std::filesystem;

bool is_library(const fs::path& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
        return false;
    }
    const std::string name = path.filename().string();
    if (name.ends_with(".so") || name.find(".so.") != std::string::npos) {
        return true;
    }
    std::array<char, 4> start{};
    std::ifstream(path, std::ios::binary).read(start.data(), start.size());
    return start == std::array<char, 4>{'\x7f', 'E', 'L', 'F'};
}

// "greeter" for libgreeter.so.1.
std::string name_of(const fs::path& library) {
    std::string name = library.filename().string();
    name = name.substr(0, name.find(".so"));
    if (name.starts_with("lib")) {
        name.erase(0, 3);
    }
    for (char& c : name) {
        const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
        c = plain ? c : '_';
    }
    constexpr std::size_t kLongestName = 64;
    return name.empty() ? "plugin" : name.substr(0, kLongestName);
}

template <typename T>
T value_or_failure(result<T> outcome, const std::string& named) {
    if (!outcome) {
        throw failure_of(outcome.error(), named);
    }
    return *std::move(outcome);
}

}  // namespace

PluginPath::PluginPath(std::string named) : named_(std::move(named)) {
    const fs::path path(named_);
    if (is_library(path)) {
        const nlohmann::json manifest = {
            {"name", name_of(path)}, {"version", "without manifest"}, {"library", path.filename().string()}};
        std::error_code error;
        library_ = ManifestText{manifest.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                                fs::absolute(path, error).parent_path()};
    }
}

ManifestText PluginPath::text() const {
    if (library_) {
        return *library_;
    }
    describe();  // says what is wrong with it, if anything is
    std::error_code error;
    fs::path file = fs::absolute(named_, error);
    if (fs::is_directory(file, error)) {
        file /= "plugin.json";
    }
    std::ifstream stream(file, std::ios::binary);
    return {{std::istreambuf_iterator<char>(stream), {}}, file.parent_path()};
}

ManifestDescription PluginPath::describe() const {
    return value_or_failure(library_ ? describe_manifest(*library_) : describe_manifest(fs::path(named_)), named_);
}

result<Plugin> PluginPath::try_load(Host& host) const {
    return library_ ? host.load(*library_) : host.load(fs::path(named_));
}

Inspection PluginPath::inspect(Host& host) const {
    return value_or_failure(library_ ? host.inspect(*library_) : host.inspect(fs::path(named_)), named_);
}

Host make_host(HostOptions options) { return value_or_failure(Host::create(std::move(options)), ""); }

}  // namespace bulkhead::cli
