#include "examination.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "trial_manifest.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using std::chrono::milliseconds;

// Nor in a start.
bool is_in_no_call(const Report& report) { return report.running_method.empty() && report.phase != Phase::starting; }

// Changes nothing that a plugin can see, but that its state begins empty and is kept in no file. Few restarts, because
// a plugin that dies at each start has been understood after some.
ManifestText impatient(ManifestText text, const ManifestDescription& manifest) {
    constexpr milliseconds kGrace{300};
    auto json = nlohmann::json::parse(text.json);
    json["supervision"]["restarts"] = 20;
    json["supervision"]["backoff_ms"] = 0;
    json["supervision"]["quarantine_deaths"] = 0;
    json["supervision"]["within_ms"] = 3'600'000;
    json["supervision"]["hang_grace_ms"] = std::min(kGrace, manifest.hang_grace).count();
    leave_state_file_alone(json);
    text.json = json.dump();
    return text;
}

}  // namespace

Examination::Examination(PluginPath path, CheckOptions options)
    : path_(std::move(path)), options_(std::move(options)), manifest_(path_.describe()) {
    impatient_ = impatient(path_.text(), manifest_);
    HostOptions host_options;
    host_options.on_death = [this](const Report& report) {
        if (is_in_no_call(report)) {
            const std::lock_guard lock(mutex_);
            deaths_.push_back(std::make_shared<Report>(report));
        }
    };
    host_.emplace(make_host(std::move(host_options)));
}

result<Plugin> Examination::load() {
    auto plugin = host_->load(impatient_);
    if (plugin) {
        methods_ = plugin->methods();
    }
    return plugin;
}

void Examination::unload(bool hangs) {
    const auto begin = Clock::now();
    static_cast<void>(host_->unload(manifest_.name));
    if (Clock::now() - begin >= manifest_.stop && !slow_stop_told_ && !hangs) {
        slow_stop_told_ = true;
        add(Verdict::finding, "stop",
            "it did not stop within supervision.stop_ms (" + shown(manifest_.stop) + ") and had to be killed");
    }
}

std::vector<std::string> Examination::methods() const {
    std::vector<std::string> names;
    for (const MethodDescription& method : methods_) {
        if (options_.method.empty() || options_.method == method.name) {
            names.push_back(method.name);
        }
    }
    return names;
}

void Examination::add(Verdict verdict, std::string check, std::string text, std::string replay,
                      std::shared_ptr<const Report> report) {
    observations_.push_back({verdict, std::move(check), std::move(text), std::move(replay), std::move(report)});
}

std::size_t Examination::count(Verdict verdict) const {
    return static_cast<std::size_t>(
        std::count_if(observations_.begin(), observations_.end(),
                      [verdict](const Observation& observation) { return observation.verdict == verdict; }));
}

Examination::Clock::time_point Examination::end_of_step(double part) const {
    const auto share = std::chrono::duration_cast<Clock::duration>(options_.budget * part);
    return std::min(end(), Clock::now() + share);
}

std::chrono::nanoseconds Examination::patience() const {
    const std::chrono::nanoseconds wanted =
        std::clamp<std::chrono::nanoseconds>(options_.budget / 5, milliseconds(1000), milliseconds(5000));
    return std::min<std::chrono::nanoseconds>(wanted, manifest_.call);
}

std::string Examination::replay(const std::string& method, std::optional<std::uint64_t> number) const {
    std::string command = "bulkhead check " + shell_word(path_.named()) + " --seed " + std::to_string(options_.seed) +
                          " --method " + shell_word(method);
    if (number) {
        command += " --case " + std::to_string(*number);
    }
    return command;
}

void Examination::finish() {
    host_.reset();
    std::set<std::string> told;
    for (const auto& report : deaths_) {
        if (!told.insert(report->clause()).second) {
            continue;
        }
        const bool stops = report->phase == Phase::stopping;
        const bool idle = !stops && report->step.empty();
        add(Verdict::finding, stops ? "stop" : "life",
            "its worker " + report->clause() + (idle ? " while it ran no call" : ""), {}, report);
    }
    if (told.empty() && !slow_stop_told_ && !methods_.empty()) {
        add(Verdict::good, "stop", "every worker stopped in order");
    }
}

}  // namespace bulkhead::cli
