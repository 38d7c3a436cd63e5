// bulkhead inspect: what a plugin is, from its manifest, its libraries and its first start.
#include <fmt/format.h>

#include <bulkhead/host/host.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command.hpp"
#include "console.hpp"
#include "json_text.hpp"
#include "plugin_path.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

constexpr char kInspectFooter[] =
    "The libraries are read by a throw-away process without rights. The methods are only known to the plugin itself,\n"
    "so it is started once, in a worker; --no-start leaves that out. The exit code is 3 when a library or the "
    "manifest\n"
    "cannot be used. A plugin that does not start is no error here: the reason stands in place of its methods.\n\n"
    "Examples:\n"
    "  bulkhead inspect build/greeter\n"
    "  bulkhead inspect ./libgreeter.so --symbols\n"
    "  bulkhead inspect build/greeter --json | jq '.methods[].name'\n";

struct WantedInspect {
    std::string plugin;
    bool no_start = false;
    bool symbols = false;
    bool json = false;
};

// What only the started plugin knows.
struct Methods {
    std::vector<MethodDescription> all;
    std::string unknown_because;  // empty: they are known
};

Methods methods_of(Host& host, const PluginPath& path, const Inspection& inspection, bool no_start) {
    if (no_start) {
        return {{}, "the plugin was not started"};
    }
    if (!inspection.libraries.front().exports_entry) {
        return {{}, "the library is no plugin: it exports no function bulkhead_plugin"};
    }
    const auto plugin = path.try_load(host);
    if (!plugin) {
        return {{}, plugin.error().message};
    }
    return {plugin->methods(), {}};
}

Json json_of(const LibraryInspection& library) {
    return {{"file", library.file},
            {"machine", library.machine},
            {"soname", library.soname},
            {"needed", library.needed},
            {"exports_entry", library.exports_entry},
            {"exports", library.exports},
            {"export_count", library.export_count},
            {"imports", library.imports},
            {"import_count", library.import_count}};
}

Json json_of(const ManifestDescription& manifest, const Inspection& inspection, const Methods& methods) {
    Json json = {{"name", manifest.name},
                 {"version", manifest.version},
                 {"directory", manifest.directory.string()},
                 {"library", manifest.library},
                 {"libraries", Json::array()}};
    json.update(Json::parse(manifest.settings));
    for (const LibraryInspection& library : inspection.libraries) {
        json["libraries"].push_back(json_of(library));
    }
    if (!methods.unknown_because.empty()) {
        json["methods"] = nullptr;
        json["methods_unknown_because"] = methods.unknown_because;
        return json;
    }
    json["plugin_abi"] = BULKHEAD_PLUGIN_ABI;  // no other is accepted
    json["methods"] = Json::array();
    for (const MethodDescription& method : methods.all) {
        json["methods"].push_back({{"name", method.name}, {"idempotent", method.idempotent}});
    }
    return json;
}

void show_row(std::string_view title, std::string_view text) {
    print(harmless(fmt::format("  {:<11}{}", title, text)) + "\n");
}

void show_symbols(std::string_view title, const std::vector<std::string>& names, std::uint64_t count) {
    for (const std::string& name : names) {
        show_row(title, name);
        title = "";
    }
    if (count > names.size()) {
        show_row(title, "and " + counted(count - names.size(), "other"));
    }
}

void show_library(const LibraryInspection& library, bool symbols) {
    show_row("library", library.file + " for " + library.machine +
                            (library.soname.empty() ? "" : ", SONAME " + library.soname) +
                            (library.exports_entry ? "" : ", no plugin"));
    show_row("needs", library.needed.empty() ? "no library" : fmt::format("{}", fmt::join(library.needed, ", ")));
    if (symbols) {
        show_symbols("exports", library.exports, library.export_count);
        show_symbols("imports", library.imports, library.import_count);
    } else {
        show_row("symbols", counted(library.export_count, "export") + ", " + counted(library.import_count, "import"));
    }
}

void show_supervision(const Json& settings) {
    const Json& supervision = settings["supervision"];
    const Json& state = settings["state"];
    const auto time = [&supervision](const char* member) {
        return shown(std::chrono::milliseconds(supervision[member].get<std::int64_t>()));
    };
    show_row("deaths",
             fmt::format("{}, {} in {}, backoff {} to {}, {} standby", supervision["policy"].get<std::string>(),
                         counted(supervision["restarts"].get<std::uint64_t>(), "restart"), time("within_ms"),
                         time("backoff_ms"), time("backoff_max_ms"), supervision["standby"] == 0 ? "no" : "a"));
    const auto every = state["every_calls"].get<std::uint64_t>();
    std::string keeping = every == 0   ? "if any, not saved by calls"
                          : every == 1 ? "if any, saved with each call"
                                       : "if any, saved every " + counted(every, "call");
    if (state.contains("path")) {
        keeping += ", kept in " + state["path"].get<std::string>();
    }
    show_row("state", keeping);
}

void show(const ManifestDescription& manifest, const Inspection& inspection, const Methods& methods, bool symbols) {
    print(Colours::of_output().strong(manifest.name + " " + harmless(manifest.version)) + " in " +
          harmless(manifest.directory.string()) + "\n");
    for (const LibraryInspection& library : inspection.libraries) {
        show_library(library, symbols);
    }
    show_row("limits", fmt::format("requests and replies up to {} bytes, {} and {} bytes in flight", manifest.payload,
                                   counted(manifest.in_flight, "call"), manifest.in_flight_bytes));
    show_row("deadlines", fmt::format("start {}, call {}, stop {}", shown(manifest.start), shown(manifest.call),
                                      shown(manifest.stop)));
    show_supervision(Json::parse(manifest.settings));
    if (!methods.unknown_because.empty()) {
        show_row("methods", "not known: " + methods.unknown_because);
        return;
    }
    show_row("plugin ABI", std::to_string(BULKHEAD_PLUGIN_ABI));
    std::string_view title = "methods";
    for (const MethodDescription& method : methods.all) {
        show_row(title, method.name + (method.idempotent ? " (idempotent)" : ""));
        title = "";
    }
    if (methods.all.empty()) {
        show_row(title, "none");
    }
}

ExitCode inspect(const WantedInspect& wanted) {
    const PluginPath path(wanted.plugin);
    const ManifestDescription manifest = path.describe();
    Host host = make_host();
    const Inspection inspection = path.inspect(host);
    const Methods methods = methods_of(host, path, inspection, wanted.no_start);
    if (wanted.json) {
        print(json_text(json_of(manifest, inspection, methods)));
    } else {
        show(manifest, inspection, methods, wanted.symbols);
    }
    return ExitCode::done;
}

}  // namespace

void add_inspect_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<WantedInspect>();
    CLI::App* const command =
        program.add_subcommand("inspect", "Show manifest, libraries, symbols and methods of a plugin");
    command->footer(kInspectFooter);
    command->add_option("PLUGIN", wanted->plugin, "A library, the folder of a plugin, or its plugin.json")
        ->type_name("")
        ->required();
    command->add_flag("--no-start", wanted->no_start, "Run no code of the plugin; its methods stay unknown");
    command->add_flag("--symbols", wanted->symbols, "List all exported and imported symbols");
    command->add_flag("--json", wanted->json, "Print everything as an object");
    command->callback([wanted, &action] { action = [wanted] { return inspect(*wanted); }; });
}

}  // namespace bulkhead::cli
