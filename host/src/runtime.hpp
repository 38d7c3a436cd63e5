// What the plugins of one host share.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "bulkhead/host/host.hpp"
#include "launcher.hpp"
#include "library_store.hpp"
#include "oom_kills.hpp"
#include "post_mortem.hpp"
#include "spin_permits.hpp"
#include "state_writer.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

class ReportStore;

// Shared by the host and its lanes: a Plugin handle may outlive the Host.
struct Runtime {
    explicit Runtime(HostOptions chosen, std::error_code& error);

    // Never repeated. Any thread.
    std::uint64_t next_start_id() noexcept { return start_ids.fetch_add(1, std::memory_order_relaxed); }

    // The id of the report on the death of the worker of this start. Never repeated in a host; hardly ever by others.
    std::string report_id(const std::string& plugin, std::uint32_t incarnation, std::uint64_t start_id) const;

    // Where handlers without an executor of their own run. While the returned object lives, end_callbacks() waits for
    // it; after that it is Asio's system executor, unless the server named one. Any thread.
    boost::asio::any_io_executor callback_executor() const;
    void end_callbacks();

    HostOptions options;
    Supervisor supervisor;
    std::unique_ptr<Launcher> launcher;       // supervisor thread
    std::unique_ptr<PostMortem> post_mortem;  // supervisor thread
    LibraryStore libraries;
    OomKills oom_kills;
    SpinPermits permits;
    StateWriter state_writer;
    std::atomic<std::uint64_t> start_ids{1};
    const std::uint32_t run = std::random_device()();  // tells hosts apart
    // The host's own callback thread, when the options name no executor.
    std::optional<boost::asio::thread_pool> callback_thread;
    std::atomic<bool> callbacks_end{false};
    boost::asio::any_io_executor callbacks;
    std::shared_ptr<ReportStore> reports;  // null: none are kept
};

}  // namespace bulkhead::detail
