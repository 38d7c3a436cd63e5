#include "replay.hpp"

#include <nlohmann/json.hpp>

#include "death_watch.hpp"
#include "debugger.hpp"
#include "failure.hpp"
#include "plugin_path.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kDeathComesAfter{1};  // a reply, if it comes
constexpr std::chrono::seconds kKilling{5};          // from the grace of a hang to its report

std::filesystem::path library_of(const Repro& repro) { return repro.manifest.directory / repro.library; }

// What is nested so deeply that copying it might overflow the stack is none of ours.
Json parse_shallow(const std::string& text) {
    constexpr int kDeepest = 64;
    bool deep = false;
    const auto check = [&deep](int depth, Json::parse_event_t, const Json&) {
        deep = deep || depth > kDeepest;
        return !deep;
    };
    Json json = Json::parse(text, check, false);
    return deep ? Json(Json::value_t::discarded) : json;
}

// The saved manifest, changed so that one death is one: nothing is repeated or started anew, no other worker stands by,
// and what the plugin keeps on disk is not touched.
ManifestText manifest_for(const Repro& repro) {
    Json manifest = parse_shallow(repro.manifest.json);
    const Json config = parse_shallow(repro.config);
    const auto may_change = [](const Json& parent, const std::string& name) {
        return !parent.contains(name) || parent[name].is_object();
    };
    const bool good = manifest.is_object() && !config.is_discarded() && may_change(manifest, "supervision") &&
                      may_change(manifest, "methods") &&
                      (!manifest.contains("methods") || may_change(manifest["methods"], repro.method));
    if (!good) {
        throw Failure(ExitCode::usage,
                      "the file is damaged: its manifest or its configuration is not what it should be");
    }
    manifest["config"] = config;
    manifest["supervision"]["restarts"] = 0;
    if (manifest["supervision"].contains("standby")) {
        manifest["supervision"]["standby"] = 0;
    }
    manifest["methods"][repro.method]["idempotent"] = false;
    if (const auto state = manifest.find("state"); state != manifest.end() && state->is_object()) {
        state->erase("path");
    }
    return {manifest.dump(), repro.manifest.directory};
}

Plugin load(Host& host, const Repro& repro) {
    const ManifestText manifest = manifest_for(repro);
    auto plugin = repro.state ? host.load(manifest, *repro.state) : host.load(manifest);
    if (!plugin) {
        throw failure_of(plugin.error(), repro.manifest.directory.string());
    }
    return *std::move(plugin);
}

CallOptions options_for(const Repro& repro, WithDebugger with) {
    CallOptions options;
    options.trace = repro.trace;
    options.timeout = with == WithDebugger::no && repro.timeout ? *repro.timeout : CallOptions::kNoTimeout;
    return options;
}

std::shared_ptr<const Report> death_after(const result<Bytes>& outcome, const Repro& repro, const DeathWatch& deaths) {
    if (!outcome && outcome.error().report) {
        auto told = deaths.await(outcome.error().report->id);
        return told ? told : outcome.error().report;
    }
    if (repro.report.cause != Cause::hang) {
        return deaths.await_any(kDeathComesAfter);
    }
    const auto manifest = describe_manifest(repro.manifest);
    return deaths.await_any(kKilling + (manifest ? manifest->hang_grace : std::chrono::milliseconds(0)));
}

}  // namespace

std::vector<std::string> differences(const Repro& repro) {
    std::vector<std::string> sentences;
    const auto hash = hash_library(library_of(repro));
    if (hash && *hash != repro.library_hash) {
        sentences.push_back("the library " + library_of(repro).string() +
                            " is not the one that died: it was changed since");
    }
    if (repro.in_session) {
        sentences.emplace_back("the call was one of a session, and comes without those before it");
    }
    return sentences;
}

Replayed replay(const Repro& repro, WithDebugger with) {
    const DeathWatch deaths;
    HostOptions options;
    options.on_death = deaths;
    Host host = make_host(std::move(options));
    const Plugin plugin = load(host, repro);
    std::optional<Debugger> debugger;
    if (with == WithDebugger::yes) {
        debugger.emplace(plugin.status().worker_pid, library_of(repro));
    }
    auto outcome = plugin.call(repro.method, std::span(repro.request), options_for(repro, with));
    auto death = death_after(outcome, repro, deaths);
    return {std::move(outcome), std::move(death)};
}

bool same_death(const Report& first, const Report& now) {
    return first.cause == now.cause && first.signal == now.signal && first.exit_code == now.exit_code &&
           first.step == now.step && (first.cause != Cause::protocol_violation || first.detail == now.detail);
}

std::optional<bool> same_place(const Report& first, const Report& now) {
    if (!first.crash || !now.crash || first.crash->instruction_module.empty()) {
        return std::nullopt;
    }
    return first.crash->instruction_module == now.crash->instruction_module &&
           first.crash->instruction_offset == now.crash->instruction_offset;
}

}  // namespace bulkhead::cli
