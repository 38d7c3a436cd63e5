// The handle through which a server calls a plugin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bulkhead/host/async_call.hpp"
#include "bulkhead/host/bytes.hpp"
#include "bulkhead/host/call_options.hpp"
#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"
#include "bulkhead/host/plugin_status.hpp"
#include "bulkhead/host/request_buffer.hpp"
#include "bulkhead/host/stats.hpp"
#include "bulkhead/host/untrusted_view.hpp"

namespace bulkhead {

class Method;
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

    // ---- its life. Each of these blocks until it is done; any thread but those of handlers and hooks.
    // Ends its worker in order and keeps it down: calls end as `stopped`. What a load is for a new plugin, start() is
    // for this one; fails with `load_failed`, or `stopped` after an unload.
    result<void> stop() const;
    result<void> start() const;
    // Puts a fresh worker in the place of the serving one; no call notices. Starts it when there is none. Where a start
    // is under way both wait for its end first, and restart() then replaces what came of it. Fails as start() does; who
    // served before serves on then, unless it had ended for its successor already: then nobody does.
    result<void> restart() const;
    // Forgets deaths and quarantined requests, and ends `backoff` and `fatal`. Does not wait for the worker.
    void reset() const;

    // Calls a method and waits for the outcome, which comes by the deadline at the latest. The request is read
    // during the call only. May be called from any thread but not from a completion handler that runs inline.
    result<Bytes> call(std::string_view method, std::span<const std::byte> request,
                       const CallOptions& options = {}) const;
    result<Bytes> call(std::string_view method, std::string_view request, const CallOptions& options = {}) const {
        return call(method, std::as_bytes(std::span(request)), options);
    }

    // The same for one method, which is looked up now: for calls that follow each other closely.
    Method method(std::string_view name) const;

    // The same with JSON on both sides. A request with a text that is not UTF-8 is `invalid_argument`, a reply that is
    // not JSON, or nests deeper than 64 levels, `plugin_failed` with number 0.
    result<nlohmann::json> call_json(std::string_view method, const nlohmann::json& request,
                                     const CallOptions& options = {}) const;

    // ---- without copies: the request is built where the worker reads it, the reply looked at where it was built.
    //
    //   auto request = plugin.prepare("blur", size);
    //   draw(request->bytes());
    //   auto view = plugin.call_in_place(*std::move(request));
    //
    // Room for a request of `size` bytes. What `options` say of time, room and waiting is said of the preparation
    // alone: the call has its own. Fails as a call would, and is counted like one only then.
    result<RequestBuffer> prepare(std::string_view method, std::size_t size, const CallOptions& options = {}) const;
    // Calls the method that it was prepared for. `request` is used up, whatever becomes of the call; one of another
    // plugin or session is `invalid_argument`. With a full request ring the call can still be `overloaded`.
    result<Bytes> call(RequestBuffer request, const CallOptions& options = {}) const;
    // Like call(), but leaves a reply of more than 88 bytes where it is: see untrusted_view.hpp before you read it.
    result<UntrustedView> call_in_place(RequestBuffer request, const CallOptions& options = {}) const;
    result<UntrustedView> call_in_place(std::string_view method, std::span<const std::byte> request,
                                        const CallOptions& options = {}) const;
    result<UntrustedView> call_in_place(std::string_view method, std::string_view request,
                                        const CallOptions& options = {}) const {
        return call_in_place(method, std::as_bytes(std::span(request)), options);
    }

    // Calls a method and returns at once. `token` is any Asio completion token for `void(result<Bytes>)`. The request
    // is copied before this returns. The handler runs on its associated executor; without one on the host's
    // callback thread. To run it inline, where the reply is read, bind it to
    // boost::asio::system_executor; it must not block then. Its cancellation slot ends the call as `cancelled`.
    // WhenFull::wait keeps the call until there is room, for at most limits.in_flight calls. Handlers must not throw.
    template <typename CompletionToken>
    auto async_call(std::string_view method, std::span<const std::byte> request, const CallOptions& options,
                    CompletionToken&& token) const {
        return detail::initiate({lane_, nullptr, method, std::nullopt, request, options},
                                std::forward<CompletionToken>(token));
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

    BULKHEAD_HOST_PRIVATE result<nlohmann::json> json_of(std::string_view method, const result<Bytes>& reply) const;

    std::shared_ptr<detail::Lane> lane_;
};

// One method of a plugin. Cheap to copy; any thread, many at once. May outlive the Host, as a Plugin may.
class BULKHEAD_HOST_EXPORT Method {
  public:
    const std::string& name() const noexcept { return name_; }

    // As Plugin::call. When the plugin has no such method, `no_such_method`.
    result<Bytes> call(std::span<const std::byte> request, const CallOptions& options = {}) const;
    result<Bytes> call(std::string_view request, const CallOptions& options = {}) const {
        return call(std::as_bytes(std::span(request)), options);
    }

    // As Plugin::async_call.
    template <typename CompletionToken>
    auto async_call(std::span<const std::byte> request, const CallOptions& options, CompletionToken&& token) const {
        return detail::initiate({lane_, nullptr, name_, number_, request, options},
                                std::forward<CompletionToken>(token));
    }
    template <typename CompletionToken>
    auto async_call(std::string_view request, const CallOptions& options, CompletionToken&& token) const {
        return async_call(std::as_bytes(std::span(request)), options, std::forward<CompletionToken>(token));
    }

  private:
    friend class Plugin;
    BULKHEAD_HOST_PRIVATE Method(std::shared_ptr<detail::Lane> lane, std::string_view name);

    std::shared_ptr<detail::Lane> lane_;
    std::string name_;
    std::optional<std::uint16_t> number_;  // empty: there is no such method
};

}  // namespace bulkhead
