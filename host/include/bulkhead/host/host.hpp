// What a server embeds.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"
#include "bulkhead/host/inspection.hpp"
#include "bulkhead/host/log.hpp"
#include "bulkhead/host/manifest.hpp"
#include "bulkhead/host/plugin.hpp"
#include "bulkhead/host/report.hpp"
#include "bulkhead/host/saved_state.hpp"
#include "bulkhead/host/session.hpp"

namespace bulkhead {

namespace detail {
class HostCore;
}

// The hooks `log`, `on_death` and `on_event` live as long as the host or any Plugin of it: one that owns, through a
// shared_ptr, what holds such a Plugin keeps both for ever.
struct HostOptions {
    // The bulkhead-worker executable. Empty: the environment variable BULKHEAD_WORKER, then beside this library or
    // the program, then ../libexec/bulkhead and ../bin from there.
    std::filesystem::path worker;
    // Lines that plugins print and log. Empty: dropped.
    LogHook log;
    // Called with each death, on the callback thread; those of a plugin in their order.
    std::function<void(const Report&)> on_death;
    // Called with each step in the life of a plugin.
    EventHook on_event;
    // Where handlers without an executor of their own, `log`, `on_death` and `on_event` run, one after the other if it
    // is a single thread or strand. Empty: a thread of the host's own.
    boost::asio::any_io_executor callback_executor;
    // Where reports are kept, one file for each death, for `bulkhead reports` and report_folder.hpp. Made when it is
    // not there; only this user can read what is written. Several hosts may share it. Empty: none are kept. `on_death`
    // comes after the file.
    std::filesystem::path reports;
    // More than this in the folder, and the oldest go; with max_reports 0, none is kept. Repros count as bytes.
    std::uint32_t max_reports = 100;
    std::uint64_t max_report_bytes = std::uint64_t{64} << 20;
    // Beside the report of a death that a call was running at: the call, to be run again by `bulkhead replay`. It holds
    // the request's bytes, the plugin's configuration and its state.
    bool save_repros = true;
    std::uint64_t max_repro_bytes = std::uint64_t{16} << 20;  // of request and state; above, none is saved
};

// Owns the guard process, the supervisor thread and the plugins. A guest in the server: installs no signal
// handler, waits for no child but its own guard, prints nothing, changes no environment. Any thread may load
// and look up; several hosts may live in a process. As long as it lives it needs /proc, and to be allowed to signal its
// workers: a server that changes its user or root directory does so before.
class BULKHEAD_HOST_EXPORT Host {
  public:
    // Starts the guard and its fork server. Fails with `load_failed` when the worker executable is missing, of another
    // build, or cannot be started.
    static result<Host> create(HostOptions options = {});

    Host(Host&&) noexcept;
    Host& operator=(Host&&) noexcept;
    // Ends open calls as `stopped`, lets workers shut down (supervision.stop_ms), kills what is left, and returns when
    // no process of this host is there any more. Not from a handler or hook. Hooks posted to an executor of the
    // server's own may still run afterwards.
    ~Host();

    // Loads a plugin and waits until it is ready. `manifest` is plugin.json or the folder that holds it. Fails
    // with `bad_manifest`, `load_failed` or `invalid_argument` (a plugin of that name is loaded already).
    result<Plugin> load(const std::filesystem::path& manifest);
    // The same with a manifest that is in no file.
    result<Plugin> load(const ManifestText& manifest);
    // The same, and its first worker loads this state, whatever state.path holds.
    result<Plugin> load(const ManifestText& manifest, const SavedState& state);

    // Asks throw-away workers what a plugin's libraries say about themselves; no code of the plugin runs. Blocks, for
    // seconds at most. Fails with `bad_manifest`, or with `load_failed` when a library cannot be read. One that is
    // no plugin is no error.
    result<Inspection> inspect(const std::filesystem::path& manifest);
    result<Inspection> inspect(const ManifestText& manifest);

    // Fails with `no_such_plugin`.
    result<Plugin> plugin(std::string_view name) const;
    std::vector<Plugin> plugins() const;

    // Ends a plugin like the destructor ends all.
    result<void> unload(std::string_view name);

  private:
    BULKHEAD_HOST_PRIVATE explicit Host(std::unique_ptr<detail::HostCore> core);
    std::unique_ptr<detail::HostCore> core_;
};

}  // namespace bulkhead
