#include "options.hpp"

#include <charconv>
#include <functional>
#include <limits>
#include <map>

namespace bulkhead::server {
namespace {

std::uint64_t number(const std::string& name, const std::string& text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || last != end || value < least || value > most) {
        throw BadUsage(name + " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                       ", and is '" + text + "'");
    }
    return value;
}

using Setter = std::function<void(Options&, const std::string& name, const std::string& value)>;

Setter size_of(std::size_t Limits::*member, std::uint64_t most) {
    return [member, most](Options& options, const std::string& name, const std::string& value) {
        options.limits.*member = static_cast<std::size_t>(number(name, value, 1, most));
    };
}

Setter time_of(std::chrono::milliseconds Limits::*member) {
    return [member](Options& options, const std::string& name, const std::string& value) {
        options.limits.*member = std::chrono::milliseconds(number(name, value, 1, 86'400'000));
    };
}

Setter path_of(std::filesystem::path Options::*member) {
    return [member](Options& options, const std::string&, const std::string& value) { options.*member = value; };
}

// The options that have a value.
const std::map<std::string, Setter>& setters() {
    static const std::map<std::string, Setter> all = {
        {"--address", [](Options& options, const std::string&, const std::string& value) { options.address = value; }},
        {"--port",
         [](Options& options, const std::string& name, const std::string& value) {
             options.port =
                 static_cast<std::uint16_t>(number(name, value, 0, std::numeric_limits<std::uint16_t>::max()));
         }},
        {"--plugin", path_of(&Options::plugin)},
        {"--worker", path_of(&Options::worker)},
        {"--max-body", size_of(&Limits::body, 1ULL << 30)},
        {"--max-connections", size_of(&Limits::connections, 10'000)},
        {"--jobs", size_of(&Limits::jobs, 64)},
        {"--waiting", size_of(&Limits::waiting, 10'000)},
        {"--header-ms", time_of(&Limits::header_time)},
        {"--body-ms", time_of(&Limits::body_time)},
        {"--idle-ms", time_of(&Limits::idle)},
        {"--answer-ms", time_of(&Limits::answer_time)},
        {"--job-ms", time_of(&Limits::job_time)},
        {"--stop-ms", time_of(&Limits::stop_time)},
    };
    return all;
}

std::filesystem::path folder_of_program() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& name = arguments[i];
        if (name == "-h" || name == "--help") {
            options.help = true;
        } else if (name == "--debug") {
            options.debug = true;
        } else if (const auto found = setters().find(name); found == setters().end()) {
            throw BadUsage("unknown argument '" + name + "'; resize-server --help lists them");
        } else if (++i == arguments.size()) {
            throw BadUsage(name + " needs a value");
        } else {
            found->second(options, name, arguments[i]);
        }
    }
    return options;
}

std::string usage() {
    return R"(usage: resize-server [--port N] [--plugin FOLDER] [OPTION...]

Serves the image plugin over HTTP:
  curl --data-binary @photo.jpg 'http://127.0.0.1:8080/blur?radius=8' > out.png

  --port N             port to listen on, 8080 by default; 0 takes a free one. It is printed
  --address A          address to listen on, 127.0.0.1 by default
  --plugin FOLDER      the image plugin; by default the one that came with this program
  --worker FILE        the executable bulkhead-worker; by default the one that came with this program
  --debug              adds POST /debug/crash, which crashes the plugin

limits, with their defaults:
  --max-body 33554432  bytes of a request       --header-ms 10000  for a request's header to come
  --max-connections 64 served at once           --body-ms 30000    for its body to come
  --jobs 4             at the plugin at once    --answer-ms 30000  for the client to take its answer
  --waiting 64         jobs waiting for that    --idle-ms 30000    from a request to the connection's next
                                                --job-ms 20000     for the plugin's work and the wait for it
                                                --stop-ms 5000     for requests under way when it is to end

SIGINT and SIGTERM end it: requests under way are finished, a second signal cuts them.
Exit status: 0 ended by a signal, 1 it cannot start (one sentence says why), 2 wrong usage.
)";
}

std::filesystem::path locate_plugin(const Options& options) {
    const std::filesystem::path home = folder_of_program();
    std::vector<std::filesystem::path> places = {options.plugin};
    if (options.plugin.empty()) {
        places = {home / BULKHEAD_PLUGINS_FROM_PROGRAM / "image", home / "../plugin-sdk/examples/image/image"};
    }
    std::string looked;
    for (const std::filesystem::path& place : places) {
        const auto manifest = (place / (options.debug ? "plugin.debug.json" : "plugin.json")).lexically_normal();
        std::error_code error;
        if (std::filesystem::exists(manifest, error)) {
            return manifest;
        }
        looked += (looked.empty() ? "" : ", ") + manifest.string();
    }
    throw std::runtime_error("the image plugin was not found (looked for " + looked +
                             "); name its folder with --plugin");
}

}  // namespace bulkhead::server
