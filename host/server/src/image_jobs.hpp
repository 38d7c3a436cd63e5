// Whole jobs for the image plugin: from the bytes of a request to a picture.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <bulkhead/host/plugin.hpp>
#include <bulkhead/host/session.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "answer.hpp"
#include "job_slots.hpp"
#include "options.hpp"

namespace bulkhead::server {

// What is done to an opened image: a method of the plugin and its fields beside the handle.
struct Operation {
    std::string method;
    nlohmann::json fields = nlohmann::json::object();
};

// Runs jobs, a few at once, each in a session of its own: a handle must not outlive the worker that gave it. All on
// one thread.
class ImageJobs {
  public:
    ImageJobs(boost::asio::any_io_executor executor, Plugin plugin, const Limits& limits)
        : plugin_(std::move(plugin)), limits_(limits), slots_(std::move(executor), limits.jobs, limits.waiting) {}

    // Opens, operates, saves and destroys. `encoded` must stay until the answer.
    boost::asio::awaitable<Answer> transform(std::string_view encoded, Operation operation);
    // Whether the plugin answers.
    boost::asio::awaitable<Answer> health();
    // Crashes the plugin, if its config allows that.
    boost::asio::awaitable<Answer> crash();

    // For /stats.
    nlohmann::json stats() const;

  private:
    using Deadline = std::chrono::steady_clock::time_point;

    boost::asio::awaitable<Answer> run(const Session& session, std::string_view encoded, Operation operation,
                                       Deadline deadline);

    Plugin plugin_;
    Limits limits_;
    JobSlots slots_;
};

}  // namespace bulkhead::server
