#include <unistd.h>

#include <optional>
#include <stdexcept>

#include "host_core.hpp"
#include "signal_block.hpp"
#include "worker_locator.hpp"

namespace bulkhead::detail {
namespace {

constexpr std::chrono::milliseconds kReportPatience{3000};  // for reports that are being finished

Error no_such_plugin(std::string_view name) {
    return Error{ErrorCode::no_such_plugin, Effect::none, 0, "no plugin named '" + std::string(name) + "' is loaded",
                 nullptr};
}

void start_threads(Runtime& runtime) {
    runtime.callbacks = runtime.options.callback_executor;
    if (!runtime.callbacks) {
        const SignalBlock block;
        runtime.callback_thread.emplace(1);
        runtime.callbacks = runtime.callback_thread->get_executor();
    }
    runtime.supervisor.start();
}

}  // namespace

result<std::unique_ptr<HostCore>> HostCore::create(HostOptions options) {
    auto worker = locate_worker(options.worker);
    if (!worker) {
        return worker.error();
    }
    std::unique_ptr<HostCore> core(new HostCore);
    core->owner_ = ::getpid();
    std::error_code error;
    core->runtime_ = std::make_shared<Runtime>(std::move(options), error);
    Runtime& runtime = *core->runtime_;
    if (error) {
        return Error{ErrorCode::load_failed, Effect::none, 0, "the host cannot be made: " + error.message(), nullptr};
    }
    auto launcher = Launcher::create(runtime.supervisor, *std::move(worker));
    if (!launcher) {
        return launcher.error();
    }
    runtime.launcher = *std::move(launcher);
    runtime.post_mortem = std::make_unique<PostMortem>(runtime);
    try {
        start_threads(runtime);
    } catch (const std::runtime_error& failure) {  // the standard's system_error or Boost's
        return Error{ErrorCode::load_failed, Effect::none, 0,
                     std::string("the host cannot start its threads: ") + failure.what(), nullptr};
    }
    core->runs_ = true;
    runtime.supervisor.post([&runtime] { runtime.launcher->run(); });
    return core;
}

HostCore::~HostCore() {
    if (!runs_) {
        return;
    }
    const auto all = lanes();
    for (const auto& lane : all) {
        lane->begin_stop();
    }
    for (const auto& lane : all) {
        lane->finish_stop();
    }
    runtime_->post_mortem->await_all(kReportPatience);
    runtime_->supervisor.stop();
    runtime_->post_mortem->deliver_rest();
    runtime_->launcher->shut_down();
    runtime_->end_callbacks();
}

bool HostCore::in_forked_child() const noexcept { return ::getpid() != owner_; }

result<Inspection> HostCore::inspect(result<Manifest> manifest) {
    if (!manifest) {
        return manifest.error();
    }
    return inspect_libraries(*runtime_, *manifest);
}

result<std::shared_ptr<Lane>> HostCore::load(result<Manifest> manifest, const SavedState* state) {
    if (!manifest) {
        return manifest.error();
    }
    const std::string name = manifest->name;
    std::optional<NameHold> hold;
    {
        const std::lock_guard lock(mutex_);
        if (lanes_.contains(name) || changing_.contains(name)) {
            return Error{ErrorCode::invalid_argument, Effect::none, 0,
                         "a plugin named '" + name + "' is loaded already or being unloaded", nullptr};
        }
        hold.emplace(*this, name);
    }
    Lanes entry;  // made now, because a plugin that runs must not fail to get into the table
    entry.emplace(name, nullptr);
    auto lane = start_lane(*std::move(manifest), state);
    if (lane) {
        entry.begin()->second = *lane;
        const std::lock_guard lock(mutex_);
        lanes_.merge(entry);
    }
    return lane;
}

result<std::shared_ptr<Lane>> HostCore::start_lane(Manifest manifest, const SavedState* state) {
    auto release = read_release(*runtime_, std::move(manifest));
    if (!release) {
        return release.error();
    }
    auto lane = Lane::create(runtime_, *std::move(release), state);
    if (!lane) {
        return lane;
    }
    const auto end = [&lane] {
        (*lane)->begin_stop();
        (*lane)->finish_stop();
    };
    try {
        if (auto error = (*lane)->start_and_wait()) {
            end();
            return *std::move(error);
        }
    } catch (...) {  // no memory
        end();
        throw;
    }
    return lane;
}

result<std::shared_ptr<Lane>> HostCore::find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = lanes_.find(name);
    if (found == lanes_.end()) {
        return no_such_plugin(name);
    }
    return found->second;
}

std::vector<std::shared_ptr<Lane>> HostCore::lanes() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Lane>> all;
    for (const auto& [name, lane] : lanes_) {
        all.push_back(lane);
    }
    return all;
}

result<void> HostCore::unload(std::string_view name) {
    std::shared_ptr<Lane> lane;
    std::optional<NameHold> hold;
    {
        const std::lock_guard lock(mutex_);
        const auto found = lanes_.find(name);
        if (found == lanes_.end() || changing_.contains(found->first)) {  // another thread unloads it
            return no_such_plugin(name);
        }
        hold.emplace(*this, name);
        lane = found->second;
    }
    lane->begin_stop();  // where there is no memory for that it stays loaded
    {
        const std::lock_guard lock(mutex_);
        lanes_.erase(lanes_.find(name));
    }
    lane->finish_stop();
    return {};
}

}  // namespace bulkhead::detail
