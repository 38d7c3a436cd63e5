#include "replay.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <thread>

#include "death_watch.hpp"
#include "debugger.hpp"
#include "failure.hpp"
#include "plugin_path.hpp"
#include "trial_manifest.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kDeathComesAfter{1};  // a reply, if it comes
constexpr std::chrono::seconds kKilling{5};          // from the grace of a hang to its report

std::filesystem::path library_of(const Repro& repro) { return repro.manifest.directory / repro.library; }

// The saved manifest, changed so that one death is one: nothing is repeated or started anew, no other worker stands by,
// and what the plugin keeps on disk is not touched.
ManifestText manifest_for(const Repro& repro) {
    // read_repro() has seen to it that both are JSON, and shallow enough to be copied.
    Json manifest = Json::parse(repro.manifest.json);
    const Json config = Json::parse(repro.config);
    const auto may_change = [](const Json& parent, const std::string& name) {
        return !parent.contains(name) || parent[name].is_object();
    };
    const bool good = manifest.is_object() && may_change(manifest, "supervision") && may_change(manifest, "methods") &&
                      (!manifest.contains("methods") || may_change(manifest["methods"], repro.method));
    if (!good) {
        throw Failure(ExitCode::usage, "the file is damaged: its manifest is not what it should be");
    }
    manifest["config"] = config;
    manifest["supervision"]["restarts"] = 0;
    if (manifest["supervision"].contains("standby")) {
        manifest["supervision"]["standby"] = 0;
    }
    if (!repro.method.empty()) {
        manifest["methods"][repro.method]["idempotent"] = false;
    }
    leave_state_file_alone(manifest);
    return {manifest.dump(), repro.manifest.directory};
}

result<Plugin> load(Host& host, const Repro& repro) {
    const ManifestText manifest = manifest_for(repro);
    return repro.state ? host.load(manifest, *repro.state) : host.load(manifest);
}

Failure unloadable(const Error& error, const Repro& repro) {
    return failure_of(error, repro.manifest.directory.string());
}

CallOptions options_for(const Repro& repro) {
    CallOptions options;
    options.trace = repro.trace;
    options.timeout = repro.timeout.value_or(CallOptions::kNoTimeout);
    return options;
}

// How long a call may take that nobody looks at in gdb any more.
std::chrono::nanoseconds time_without_debugger(const Repro& repro) {
    constexpr std::chrono::nanoseconds kLongest = std::chrono::hours(24);
    const auto manifest = describe_manifest(repro.manifest);
    return std::min(kLongest, repro.timeout.value_or(manifest ? manifest->call : std::chrono::milliseconds(0)));
}

// True when it came to its end in this time.
bool ended_within(const std::stop_token& ended, std::chrono::nanoseconds time) {
    std::mutex mutex;
    std::condition_variable_any rung;
    std::unique_lock lock(mutex);
    rung.wait_for(lock, ended, time, [] { return false; });
    return ended.stop_requested();
}

// Without a deadline as long as gdb is there. Returns when the user has left it.
result<Bytes> call_under(Debugger& debugger, const Plugin& plugin, const Repro& repro) {
    const std::chrono::nanoseconds time = time_without_debugger(repro);
    std::stop_source given_up;
    CallOptions options = options_for(repro);
    options.timeout = CallOptions::kNoTimeout;
    options.stop = given_up.get_token();
    std::jthread watch([&](const std::stop_token& ended) {
        debugger.wait();
        if (!ended_within(ended, time)) {
            given_up.request_stop();
        }
    });
    auto outcome = plugin.call(repro.method, std::span(repro.request), options);
    watch.request_stop();
    watch.join();
    if (!outcome && outcome.error().code == ErrorCode::cancelled) {
        Error error = outcome.error();
        error.message = "the call had not ended " + shown(time) + " after gdb was left";
        return error;
    }
    return outcome;
}

std::shared_ptr<const Report> death_after(const result<Bytes>& outcome, const Repro& repro, const DeathWatch& deaths) {
    if (!outcome && outcome.error().report) {
        auto told = deaths.await(outcome.error().report->id);
        return told ? told : outcome.error().report;
    }
    if (repro.report.cause != Cause::hang || (!outcome && outcome.error().code == ErrorCode::cancelled)) {
        return deaths.await_any(kDeathComesAfter);
    }
    const auto manifest = describe_manifest(repro.manifest);
    return deaths.await_any(kKilling + (manifest ? manifest->hang_grace : std::chrono::milliseconds(0)));
}

// No call ran: the plugin is started and, if it lives, stopped.
Replayed replay_life(Host& host, const Repro& repro, const DeathWatch& deaths) {
    const auto plugin = load(host, repro);
    if (plugin) {
        static_cast<void>(plugin->stop());
        return {Bytes(), deaths.await_any(kDeathComesAfter)};
    }
    if (!plugin.error().report) {
        throw unloadable(plugin.error(), repro);
    }
    result<Bytes> outcome = plugin.error();
    auto death = death_after(outcome, repro, deaths);
    return {std::move(outcome), std::move(death)};
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
    if (repro.method.empty()) {
        return replay_life(host, repro, deaths);
    }
    const auto loaded = load(host, repro);
    if (!loaded) {
        throw unloadable(loaded.error(), repro);
    }
    const Plugin& plugin = *loaded;
    std::optional<Debugger> debugger;
    if (with == WithDebugger::yes) {
        debugger.emplace(plugin.status().worker_pid, library_of(repro));
    }
    auto outcome = debugger ? call_under(*debugger, plugin, repro)
                            : plugin.call(repro.method, std::span(repro.request), options_for(repro));
    auto death = death_after(outcome, repro, deaths);
    return {std::move(outcome), std::move(death)};
}

// Whether it was being stopped makes no difference: what died in a save may do so again in the last one only.
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
