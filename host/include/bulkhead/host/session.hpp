// Calls that belong together.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "bulkhead/host/export.hpp"
#include "bulkhead/host/plugin.hpp"

namespace bulkhead {

// Calls of a plugin that hands out handles. The first reply pins the session to the worker that gave it. When that
// worker is dead, its handles are gone with it: every later call ends as `session_lost` with `Effect::none` and the
// report, and no handle ever reaches another worker. A call that was running then is `crashed`, also when its method
// is idempotent; so is one that a dying worker still answers when the session has a reply of the next one. Where
// the dying worker's reply is the first, a call that the next one has begun already is `session_lost` with
// `Effect::unknown`. To go on, make a new session and new handles.
//
// A session costs the worker nothing, and its end is not told to the plugin: close handles by calls. Cheap to
// copy; copies are one session. Any thread, many at once. May outlive the Host.
class BULKHEAD_HOST_EXPORT Session {
  public:
    const Plugin& plugin() const noexcept { return plugin_; }

    // Whether the worker that it was pinned to is dead.
    bool lost() const;

    // As in Plugin.
    result<Bytes> call(std::string_view method, std::span<const std::byte> request,
                       const CallOptions& options = {}) const;
    result<Bytes> call(std::string_view method, std::string_view request, const CallOptions& options = {}) const {
        return call(method, std::as_bytes(std::span(request)), options);
    }
    result<nlohmann::json> call_json(std::string_view method, const nlohmann::json& request,
                                     const CallOptions& options = {}) const;
    result<RequestBuffer> prepare(std::string_view method, std::size_t size, const CallOptions& options = {}) const;
    result<Bytes> call(RequestBuffer request, const CallOptions& options = {}) const;
    result<UntrustedView> call_in_place(RequestBuffer request, const CallOptions& options = {}) const;
    result<UntrustedView> call_in_place(std::string_view method, std::span<const std::byte> request,
                                        const CallOptions& options = {}) const;
    result<UntrustedView> call_in_place(std::string_view method, std::string_view request,
                                        const CallOptions& options = {}) const {
        return call_in_place(method, std::as_bytes(std::span(request)), options);
    }
    template <typename CompletionToken>
    auto async_call(std::string_view method, std::span<const std::byte> request, const CallOptions& options,
                    CompletionToken&& token) const {
        return detail::initiate({plugin_.lane_, pin_, method, std::nullopt, request, options},
                                std::forward<CompletionToken>(token));
    }
    template <typename CompletionToken>
    auto async_call(std::string_view method, std::string_view request, const CallOptions& options,
                    CompletionToken&& token) const {
        return async_call(method, std::as_bytes(std::span(request)), options, std::forward<CompletionToken>(token));
    }

  private:
    friend class Plugin;
    BULKHEAD_HOST_PRIVATE explicit Session(Plugin plugin);

    Plugin plugin_;
    std::shared_ptr<detail::SessionPin> pin_;
};

}  // namespace bulkhead
