// What the steps of `bulkhead check` share: the plugin, the time, and what was found.
#pragma once

#include <bulkhead/host/host.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "permissions.hpp"
#include "plugin_path.hpp"

namespace bulkhead::cli {

enum class Verdict : std::uint8_t {
    good,
    note,     // worth knowing, no fault
    finding,  // a fault
};

struct Observation {
    Verdict verdict = Verdict::good;
    std::string check;   // the step that made it
    std::string text;    // one sentence
    std::string replay;  // the command that shows it again; may be empty
    std::shared_ptr<const Report> report;
};

struct CheckOptions {
    std::uint64_t seed = 0;
    std::chrono::nanoseconds budget{0};
    std::string method;                     // only this one; empty: all
    std::optional<std::uint64_t> one_case;  // only this request of `method`
    std::set<std::string> keeps;            // methods that may use more memory with each call
};

// One thread; deaths come in from others.
class Examination {
  public:
    using Clock = std::chrono::steady_clock;

    // Throws Failure when there is no such manifest, or no host can be made.
    Examination(PluginPath path, CheckOptions options);

    const PluginPath& path() const { return path_; }
    const CheckOptions& options() const { return options_; }
    const ManifestDescription& manifest() const { return manifest_; }
    Host& host() { return *host_; }

    // Loads the plugin: with its own manifest, but impatient with hangs. Remembers the methods.
    result<Plugin> load();
    // Unloads it and tells when that takes too long, unless a call hangs anyway.
    void unload(bool hangs = false);
    // Those that were asked for, once it has been loaded.
    std::vector<std::string> methods() const;

    void add(Verdict verdict, std::string check, std::string text, std::string replay = {},
             std::shared_ptr<const Report> report = nullptr);
    const std::vector<Observation>& observations() const { return observations_; }
    std::size_t count(Verdict verdict) const;
    Needs needs;

    // When a step that may use this part of the whole time must end.
    Clock::time_point end_of_step(double part) const;
    Clock::time_point end() const { return begin_ + options_.budget; }
    bool is_over() const { return Clock::now() >= end(); }
    std::chrono::nanoseconds took() const { return Clock::now() - begin_; }
    // How long a method may take for one request.
    std::chrono::nanoseconds patience() const;

    std::string replay(const std::string& method, std::optional<std::uint64_t> number) const;

    // Ends the host; then all deaths are known, and those in an orderly stop are told.
    void finish();

  private:
    PluginPath path_;
    CheckOptions options_;
    Clock::time_point begin_ = Clock::now();
    ManifestDescription manifest_;
    ManifestText impatient_;
    std::optional<Host> host_;
    std::vector<MethodDescription> methods_;
    std::vector<Observation> observations_;
    bool slow_stop_told_ = false;

    std::mutex mutex_;
    std::vector<std::shared_ptr<const Report>> deaths_;  // in no call
};

// The steps, in their order. Each adds what it observes.
void check_libraries(Examination& examination);
// False: it does not start, so there is nothing more to check.
bool check_life(Examination& examination);
void check_calls(Examination& examination);

}  // namespace bulkhead::cli
