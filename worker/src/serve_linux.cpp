#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/worker_outbox.hpp"
#include "checkpoints.hpp"
#include "crash_handler.hpp"
#include "death_notice.hpp"
#include "death_point.hpp"
#include "dispatcher.hpp"
#include "life_report.hpp"
#include "modules.hpp"
#include "open_call.hpp"
#include "order.hpp"
#include "plugin_instance.hpp"
#include "plugin_library.hpp"
#include "plugin_table.hpp"
#include "policy.hpp"
#include "process.hpp"
#include "reply_outbox.hpp"
#include "serve.hpp"
#include "services.hpp"
#include "signal_event.hpp"

namespace bulkhead::worker {
namespace {

namespace slot = transport::serve_descriptor;
using transport::Descriptor;

void direct_output_to(const Descriptor& pipe) {
    ::dup2(pipe.get(), STDOUT_FILENO);
    ::dup2(pipe.get(), STDERR_FILENO);
    // Lines arrive as they are printed: what a crash leaves in a buffer is lost.
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
}

void set_environment(const std::map<std::string, std::string>& environment) {
    // Not clearenv(), which leaves a null pointer where plugins expect an empty list.
    static char* none[] = {nullptr};
    environ = none;
    for (const auto& [name, value] : environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
}

// Without its outboxes a worker can tell the host only through its output.
[[noreturn]] void die_unheard(const char* step, const std::error_code& error) {
    std::fprintf(stderr, "the worker cannot start: %s: %s\n", step, error.message().c_str());
    std::_Exit(EXIT_FAILURE);
}

void give_up_on(const std::optional<Refusal>& refusal, LifeReport& life) {
    if (refusal) {
        life.refused(*refusal);
    }
}

template <typename T>
T value_or_give_up(OrRefusal<T>&& result, LifeReport& life) {
    if (!result) {
        life.refused(result.error());
    }
    return std::move(*result);
}

PluginTable load(const Order& order, std::vector<Descriptor> libraries, LifeReport& life,
                 transport::BlackBoxRecord& record) {
    life.loading("while its library was being loaded");
    const LibraryNames names = sealed_names(order, libraries);
    note_modules(names, record);
    const auto entry = value_or_give_up(load_library(order, std::move(libraries)), life);
    note_modules(names, record);
    life.loading("in its bulkhead_plugin function");
    return value_or_give_up(check_plugin_table(entry(), order.library), life);
}

std::uint32_t traits_of(const PluginInstance& instance) {
    return (instance.has_activate() ? transport::kHasActivate : 0U) |
           (instance.has_state() ? transport::kHasState : 0U);
}

void restore(PluginInstance& instance, const transport::HostOutboxView& host, LifeReport& life) {
    if (const auto state = host.state()) {
        life.restoring();
        death_point("before_load");
        if (const auto refusal = instance.load(host.state_version(), *state)) {
            life.state_refused(*refusal);
        }
    }
}

void activate(PluginInstance& instance, LifeReport& life) {
    death_point("before_activate");
    if (instance.has_activate()) {
        life.activating();
        give_up_on(instance.activate(), life);
    }
    death_point("after_activate");
}

}  // namespace

void serve(const transport::StartMessage& message, std::vector<Descriptor> descriptors) {
    if (descriptors.size() <= slot::library) {
        std::_Exit(EXIT_FAILURE);
    }
    // A plugin's orphans stay with it, so that they die with it and with nobody else.
    adopt_orphans();
    direct_output_to(descriptors[slot::output]);

    std::error_code error;
    const auto host = transport::HostOutboxView::map(descriptors[slot::host_outbox], error);
    if (error) {
        die_unheard("the host outbox cannot be mapped", error);
    }
    auto outbox =
        transport::WorkerOutbox::map(descriptors[slot::worker_outbox], host.geometry(), message.incarnation, error);
    if (error) {
        die_unheard("the worker outbox cannot be mapped", error);
    }
    const std::string order_text = transport::take_order(descriptors[slot::worker_outbox], host.geometry(), error);
    const SignalEvent signal(std::move(descriptors[slot::signal]));
    LifeReport life(outbox, signal);
    life.loading("while it was being prepared");

    const Order order = value_or_give_up(parse_order(order_text), life);
    std::vector<Descriptor> libraries;
    for (std::size_t index = slot::library; index < descriptors.size(); ++index) {
        libraries.push_back(std::move(descriptors[index]));
    }
    descriptors.clear();
    set_process_name(order.plugin.c_str());
    set_environment(order.environment);
    arm_death_points(message.incarnation);

    const transport::WorkerCell& cell = host.worker_cell(message.worker_cell);
    OpenCalls calls(host);
    ReplyOutbox replies(outbox, host, cell, signal);
    Services services(outbox, signal, replies, calls, host.geometry().payload_limit, order.directory);

    give_up_on(apply_limits(order.limits), life);
    give_up_on(apply_policy(order), life);
    install_crash_handler(outbox, signal, host, cell);
    arm_death_notice(outbox.header().death);
    PluginInstance instance(load(order, std::move(libraries), life, outbox.black_box().record),
                            outbox.header().current_call_id);

    Checkpoints checkpoints(host, outbox, signal, instance, replies, services, order.checkpoints);

    life.loading("in its create function");
    give_up_on(instance.create(services.table(), order.config), life);
    life.ready(instance.methods(), traits_of(instance));

    Dispatcher dispatcher(host, cell, outbox, replies, calls, instance, checkpoints);
    if (!dispatcher.is_told_to_start()) {
        life.announce();
    }
    if (dispatcher.wait_for_start()) {
        restore(instance, host, life);
        activate(instance, life);
        life.serving();
        dispatcher.serve_first();
        life.announce();
        dispatcher.serve();
        instance.deactivate();
        services.close_calls();
        if (checkpoints.active()) {
            checkpoints.take();
        }
        if (dispatcher.was_stopped()) {
            life.handed_over();
        }
    }
    instance.destroy();
    life.stopped();
    // Runs what the plugin registered. Everything above stays alive: its threads may still be at work.
    std::exit(EXIT_SUCCESS);
}

}  // namespace bulkhead::worker
