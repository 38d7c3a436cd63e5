#include <fcntl.h>
#include <sys/stat.h>

#include <bulkhead/transport/segment.hpp>
#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "content_hash.hpp"
#include "inspector.hpp"
#include "release.hpp"
#include "runtime.hpp"

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

constexpr off_t kMaxLibrarySize = off_t{1} << 30;

std::string unreadable(const std::filesystem::path& path, int error) {
    return "the file " + path.string() +
           (error == kTooShort ? " became shorter while it was read"
                               : " cannot be read: " + std::generic_category().message(error));
}

// Collects a library and what it needs, depth first.
class LibraryCollector {
  public:
    enum class Must { be_a_plugin, be_a_library };

    LibraryCollector(Runtime& runtime, const Manifest& manifest) : runtime_(runtime), manifest_(manifest) {}

    result<NamedLibrary> plugin_library(Must must) {
        auto library = take(manifest_.library);
        if (!library) {
            return library;
        }
        const LibraryInspection& facts = library->library->facts;
        if (!facts.exports_entry && must == Must::be_a_plugin) {
            return refuse(manifest_.library, "it exports no function bulkhead_plugin");
        }
        if (auto error = collect_needed(facts)) {
            return *std::move(error);
        }
        inspected_.insert(inspected_.begin(), described(*library));
        return library;
    }

    std::vector<LibraryInspection> take_inspected() { return std::move(inspected_); }
    std::vector<NamedLibrary> take_dependencies() { return std::move(dependencies_); }

  private:
    Error refuse(const std::string& name, const std::string& clause) const {
        return Error{ErrorCode::load_failed, Effect::none, 0,
                     "plugin " + manifest_.name + ": library " + name + " cannot be used: " + clause, nullptr};
    }

    // What was read before, when it is the same.
    result<NamedLibrary> take(const std::string& name) const {
        const std::filesystem::path path = manifest_.directory / name;
        // Whatever it is: a pipe would be waited for, a terminal might become ours.
        const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        struct stat status {};
        if (!file || ::fstat(file.get(), &status) != 0) {
            return refuse(name, errno == ENOENT ? "there is no file " + path.string() : unreadable(path, errno));
        }
        if (!S_ISREG(status.st_mode)) {
            return refuse(name, path.string() + " is not a file");
        }
        if (status.st_size > kMaxLibrarySize) {
            return refuse(name, "it is larger than 1 GiB");
        }
        const auto size = static_cast<std::uint64_t>(status.st_size);
        if (LibraryRef known = runtime_.libraries.find(file, size)) {
            return NamedLibrary{name, std::move(known)};
        }
        auto library = std::make_shared<SealedLibrary>();
        std::vector<std::byte> bytes(size);
        std::error_code error = read_at(file, 0, bytes);
        if (error) {
            return refuse(name, unreadable(path, error.value()));
        }
        library->size = size;
        library->hash = content_hash(bytes);
        library->file = transport::create_sealed_file("bulkhead-library", bytes, error);
        if (error) {
            return refuse(name, "no sealed copy of it can be made: " + error.message());
        }
        auto facts = inspect_library(runtime_, std::shared_ptr<const Descriptor>(library, &library->file));
        if (!facts) {
            return refuse(name, facts.error().message);
        }
        library->facts = *std::move(facts);
        runtime_.libraries.add(library);
        return NamedLibrary{name, std::move(library)};
    }

    static LibraryInspection described(const NamedLibrary& library) {
        LibraryInspection facts = library.library->facts;
        facts.file = library.name;
        return facts;
    }

    // Those of the needed libraries that lie beside the plugin are private to it; all others are the system's.
    std::optional<Error> collect_needed(const LibraryInspection& facts) {
        for (const std::string& name : facts.needed) {
            std::error_code error;
            const bool is_private = name.find('/') == std::string::npos &&
                                    std::filesystem::is_regular_file(manifest_.directory / name, error);
            if (is_private && seen_.insert(name).second) {
                if (auto failure = collect_private(name)) {
                    return failure;
                }
            }
        }
        return std::nullopt;
    }

    std::optional<Error> collect_private(const std::string& name) {
        if (seen_.size() > transport::kMaxDependencies) {
            return refuse(manifest_.library,
                          "it needs more than " + std::to_string(transport::kMaxDependencies) + " private libraries");
        }
        auto library = take(name);
        if (!library) {
            return library.error();
        }
        const LibraryInspection& facts = library->library->facts;
        if (facts.soname != name) {
            // The loader finds a library that is loaded already only by its SONAME.
            return refuse(name, facts.soname.empty()
                                    ? "it has no SONAME; link it with -Wl,-soname," + name
                                    : "its SONAME is " + facts.soname + ", but it is needed as " + name);
        }
        if (auto error = collect_needed(facts)) {
            return error;
        }
        inspected_.push_back(described(*library));
        dependencies_.push_back(*std::move(library));
        return std::nullopt;
    }

    Runtime& runtime_;
    const Manifest& manifest_;
    std::set<std::string> seen_;
    std::vector<NamedLibrary> dependencies_;
    std::vector<LibraryInspection> inspected_;  // the dependencies, then the plugin's in front of them
};

nlohmann::json environment_of(const Manifest& manifest) {
    nlohmann::json environment = nlohmann::json::object();
    for (const auto& [name, value] : manifest.environment) {
        if (value) {
            environment[name] = *value;
        } else if (const char* inherited = std::getenv(name.c_str())) {
            environment[name] = inherited;
        }
    }
    return environment;
}

std::string order_text(const Release& release) {
    const Manifest& manifest = release.manifest;
    nlohmann::json dependencies = nlohmann::json::array();
    for (const NamedLibrary& library : release.dependencies) {
        dependencies.push_back(library.name);
    }
    const nlohmann::json order = {
        {"plugin", manifest.name},
        {"version", manifest.version},
        {"directory", manifest.directory.string()},
        {"library", manifest.library},
        {"dependencies", dependencies},
        {"config", manifest.config},
        {"environment", environment_of(manifest)},
        {"checkpoints", {{"every_calls", manifest.state.every_calls}, {"every_ms", manifest.state.every.count()}}},
        {"limits",
         {{"address_space", manifest.process.address_space},
          {"open_files", manifest.process.open_files},
          {"file_size", manifest.process.file_size},
          {"cpu_seconds", manifest.process.cpu_seconds},
          {"stack", manifest.process.stack}}}};
    return order.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void Release::set_methods(std::vector<MethodDescription> found) {
    methods = std::move(found);
    described = true;
    for (std::size_t number = 0; number < methods.size(); ++number) {
        method_numbers.emplace(methods[number].name, static_cast<std::uint16_t>(number));
    }
}

result<std::shared_ptr<Release>> read_release(Runtime& runtime, Manifest manifest) {
    auto release = std::make_shared<Release>();
    release->manifest = std::move(manifest);
    const auto geometry = transport::plan_geometry(release->manifest.channel);
    if (!geometry) {
        return Error{ErrorCode::bad_manifest, Effect::none, 0,
                     "plugin " + release->manifest.name + ": its limits do not make a channel", nullptr};
    }
    release->geometry = *geometry;
    LibraryCollector collector(runtime, release->manifest);
    auto library = collector.plugin_library(LibraryCollector::Must::be_a_plugin);
    if (!library) {
        return library.error();
    }
    release->library = *std::move(library);
    release->dependencies = collector.take_dependencies();
    release->order = order_text(*release);
    return release;
}

result<Inspection> inspect_libraries(Runtime& runtime, const Manifest& manifest) {
    LibraryCollector collector(runtime, manifest);
    if (const auto library = collector.plugin_library(LibraryCollector::Must::be_a_library); !library) {
        return library.error();
    }
    return Inspection{collector.take_inspected()};
}

}  // namespace bulkhead::detail
