// What the plugins of one host share.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "bulkhead/host/host.hpp"
#include "launcher.hpp"
#include "spin_permits.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

// Shared by the host and its lanes: a Plugin handle may outlive the Host.
struct Runtime {
    explicit Runtime(HostOptions chosen, std::error_code& error) : options(std::move(chosen)), supervisor(error) {}

    // Never repeated. Any thread.
    std::uint64_t next_start_id() noexcept { return start_ids.fetch_add(1, std::memory_order_relaxed); }

    HostOptions options;
    Supervisor supervisor;
    std::unique_ptr<Launcher> launcher;  // supervisor thread
    SpinPermits permits;
    std::atomic<std::uint64_t> start_ids{1};
    // The host's own callback thread, when the options name no executor.
    std::optional<boost::asio::thread_pool> callback_thread;
    boost::asio::any_io_executor callbacks;
};

}  // namespace bulkhead::detail
