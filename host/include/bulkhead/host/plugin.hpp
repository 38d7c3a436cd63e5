// The handle through which a server calls a plugin.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/host/bytes.hpp"
#include "bulkhead/host/call_options.hpp"
#include "bulkhead/host/completion.hpp"
#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"
#include "bulkhead/host/plugin_status.hpp"
#include "bulkhead/host/stats.hpp"

namespace bulkhead {

class Session;

namespace detail {
class Lane;
struct SessionPin;
}  // namespace detail

struct MethodDescription {
    std::string name;
    bool idempotent = false;  // begun calls are tried again when their worker dies
};

// Refers to one loaded plugin. Cheap to copy; any thread, many at once. May outlive the Host: then every call
// ends as `stopped`.
class BULKHEAD_HOST_EXPORT Plugin {
  public:
    std::string name() const;
    std::string version() const;
    std::vector<MethodDescription> methods() const;
    Stats stats() const;
    PluginStatus status() const;

    // Calls a method and waits for the outcome, which comes by the deadline at the latest. The request is read
    // during the call only. May be called from any thread but not from a completion handler that runs inline.
    result<Bytes> call(std::string_view method, std::span<const std::byte> request,
                       const CallOptions& options = {}) const;
    result<Bytes> call(std::string_view method, std::string_view request, const CallOptions& options = {}) const {
        return call(method, std::as_bytes(std::span(request)), options);
    }

    // The same with JSON on both sides. A reply that is not JSON, or nests deeper than 64 levels, is
    // `plugin_failed` with number 0.
    result<nlohmann::json> call_json(std::string_view method, const nlohmann::json& request,
                                     const CallOptions& options = {}) const;

    // Calls a method and returns at once. `token` is any Asio completion token for `void(result<Bytes>)`. The request
    // is copied before this returns. The handler runs on its associated executor; without one on the host's
    // callback thread. To run it inline, where the reply is read, bind it to
    // boost::asio::system_executor; it must not block then. Its cancellation slot ends the call as `cancelled`.
    // WhenFull::wait keeps the call until there is room, for at most limits.in_flight calls. Handlers must not throw.
    template <typename CompletionToken>
    auto async_call(std::string_view method, std::span<const std::byte> request, const CallOptions& options,
                    CompletionToken&& token) const {
        return initiate(nullptr, method, request, options, std::forward<CompletionToken>(token));
    }
    template <typename CompletionToken>
    auto async_call(std::string_view method, std::string_view request, const CallOptions& options,
                    CompletionToken&& token) const {
        return async_call(method, std::as_bytes(std::span(request)), options, std::forward<CompletionToken>(token));
    }

    // Calls that share handles; see session.hpp.
    Session session() const;

  private:
    friend class Host;
    friend class Session;
    explicit Plugin(std::shared_ptr<detail::Lane> lane) noexcept : lane_(std::move(lane)) {}

    template <typename CompletionToken>
    auto initiate(std::shared_ptr<detail::SessionPin> pin, std::string_view method, std::span<const std::byte> request,
                  const CallOptions& options, CompletionToken&& token) const {
        return boost::asio::async_initiate<CompletionToken, void(result<Bytes>)>(
            [plugin = *this, pin = std::move(pin)](auto handler, std::string called, std::vector<std::byte> bytes,
                                                   const CallOptions& chosen) {
                auto ticket = std::make_shared<detail::CancelTicket>();
                auto completion = detail::make_completion(std::move(handler), plugin.callback_executor(), ticket);
                plugin.start_call(pin, called, std::move(bytes), chosen, std::move(completion), ticket);
            },
            token, std::string(method), std::vector<std::byte>(request.begin(), request.end()), options);
    }

    boost::asio::any_io_executor callback_executor() const;
    BULKHEAD_HOST_PRIVATE result<nlohmann::json> json_of(std::string_view method, const result<Bytes>& reply) const;
    void start_call(const std::shared_ptr<detail::SessionPin>& pin, std::string_view method,
                    std::vector<std::byte> request, const CallOptions& options,
                    std::unique_ptr<detail::Completion> completion,
                    const std::shared_ptr<detail::CancelTicket>& ticket) const;

    std::shared_ptr<detail::Lane> lane_;
};

}  // namespace bulkhead
