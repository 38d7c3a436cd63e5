#include "image_jobs.hpp"

#include <algorithm>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <bulkhead/host/error.hpp>
#include <utility>

namespace bulkhead::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kHealthPatience{2};

CallOptions until(std::chrono::steady_clock::time_point deadline) {
    CallOptions options;
    options.timeout = std::max<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now(), {});
    return options;
}

// Destroys the image at its end, whatever became of the job. Nobody waits for that.
class OpenImage {
  public:
    OpenImage(const Session& session, std::string handle) : session_(session), handle_(std::move(handle)) {}
    OpenImage(const OpenImage&) = delete;
    OpenImage& operator=(const OpenImage&) = delete;
    ~OpenImage() { session_.async_call("destroy", request().dump(), CallOptions{}, asio::detached); }

    // With fields of the operation.
    nlohmann::json request(nlohmann::json fields = nlohmann::json::object()) const {
        fields["handle"] = handle_;
        return fields;
    }

  private:
    Session session_;
    std::string handle_;
};

// The handle in the reply of `open`; empty when there is none. A reply is a plugin's word, so nothing is taken for
// granted.
std::string handle_in(const Bytes& reply) {
    const auto opened = nlohmann::json::parse(reply.text(), nullptr, false);
    const auto handle = opened.is_object() ? opened.find("handle") : opened.end();
    return handle != opened.end() && handle->is_string() ? handle->get<std::string>() : "";
}

}  // namespace

asio::awaitable<Answer> ImageJobs::transform(std::string_view encoded, Operation operation) {
    const Deadline deadline = std::chrono::steady_clock::now() + limits_.job_time;
    const auto turn = co_await slots_.take(deadline);
    if (!turn) {
        co_return overload("too many pictures are being worked on; come back in a second");
    }
    const Session session = plugin_.session();
    co_return co_await run(session, encoded, std::move(operation), deadline);
}

asio::awaitable<Answer> ImageJobs::run(const Session& session, std::string_view encoded, Operation operation,
                                       Deadline deadline) {
    const auto opened = co_await session.async_call("open", encoded, until(deadline), asio::use_awaitable);
    if (!opened) {
        co_return answer_to(opened.error());
    }
    std::string handle = handle_in(*opened);
    if (handle.empty()) {
        co_return refusal(http::status::internal_server_error, "plugin_failed", "plugin image: 'open' gave no handle");
    }
    const OpenImage image(session, std::move(handle));
    const std::string request = image.request(std::move(operation.fields)).dump();
    const auto done = co_await session.async_call(operation.method, request, until(deadline), asio::use_awaitable);
    if (!done) {
        co_return answer_to(done.error());
    }
    auto saved = co_await session.async_call("save", image.request().dump(), until(deadline), asio::use_awaitable);
    if (!saved) {
        co_return answer_to(saved.error());
    }
    Answer answer;
    answer.content_type = "image/png";
    answer.bytes = *std::move(saved);
    co_return answer;
}

asio::awaitable<Answer> ImageJobs::health() {
    CallOptions options;
    options.timeout = kHealthPatience;
    const auto status = co_await plugin_.async_call("status", "", options, asio::use_awaitable);
    if (!status) {
        co_return answer_to(status.error());
    }
    Answer answer;
    answer.text = nlohmann::json{{"status", "ok"}}.dump() + "\n";
    co_return answer;
}

asio::awaitable<Answer> ImageJobs::crash() {
    const CallOptions options;
    const auto outcome = co_await plugin_.async_call("crash", "{}", options, asio::use_awaitable);
    if (!outcome) {
        co_return answer_to(outcome.error());
    }
    co_return refusal(http::status::internal_server_error, "plugin_failed", "plugin image survived 'crash'");
}

nlohmann::json ImageJobs::stats() const {
    const Stats stats = plugin_.stats();
    nlohmann::json errors = nlohmann::json::object();
    for (std::size_t code = 0; code < stats.errors.size(); ++code) {
        if (stats.errors.at(code) > 0) {
            errors[std::string(to_string(static_cast<ErrorCode>(code)))] = stats.errors.at(code);
        }
    }
    const auto milliseconds = [](std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; };
    return {{"jobs", {{"free_slots", slots_.free()}, {"waiting", slots_.waiting()}}},
            {"plugin",
             {{"calls", stats.calls},
              {"succeeded", stats.succeeded},
              {"errors", errors},
              {"in_flight", stats.in_flight},
              {"deaths", stats.deaths},
              {"restarts", stats.restarts},
              {"p50_ms", milliseconds(stats.latency.quantile(0.5))},
              {"p99_ms", milliseconds(stats.latency.quantile(0.99))}}}};
}

}  // namespace bulkhead::server
