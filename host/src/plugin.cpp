#include "bulkhead/host/plugin.hpp"

#include <utility>

#include "bounded_json.hpp"
#include "bulkhead/host/session.hpp"
#include "lane.hpp"

namespace bulkhead {

namespace {

result<std::string> text_of(const Plugin& plugin, std::string_view method, const nlohmann::json& request) {
    try {
        return request.dump();
    } catch (const nlohmann::json::type_error&) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0,
                     "plugin " + plugin.name() + ": call '" + std::string(method) +
                         "' was not made: a text in its request is not UTF-8, which JSON must be",
                     nullptr};
    }
}

}  // namespace

std::string Plugin::name() const { return lane_->release().manifest.name; }
std::string Plugin::version() const { return lane_->release().manifest.version; }
std::vector<MethodDescription> Plugin::methods() const { return lane_->release().methods; }
Stats Plugin::stats() const { return lane_->stats(); }
PluginStatus Plugin::status() const { return lane_->status(); }

namespace {

result<void> as_result(std::optional<Error> error) { return error ? result<void>(*std::move(error)) : result<void>(); }

}  // namespace

result<void> Plugin::stop() const { return as_result(lane_->stop()); }
result<void> Plugin::start() const { return as_result(lane_->start()); }
result<void> Plugin::restart() const { return as_result(lane_->restart()); }
void Plugin::reset() const { lane_->reset(); }

Session Plugin::session() const { return Session(*this); }

result<Bytes> Plugin::call(std::string_view method, std::span<const std::byte> request,
                           const CallOptions& options) const {
    return lane_->call(nullptr, method, request, options);
}

Method Plugin::method(std::string_view name) const { return Method(lane_, name); }

Method::Method(std::shared_ptr<detail::Lane> lane, std::string_view name)
    : lane_(std::move(lane)), name_(name), number_(lane_->number_of(name)) {}

result<Bytes> Method::call(std::span<const std::byte> request, const CallOptions& options) const {
    return lane_->call(nullptr, name_, request, options, number_);
}

result<nlohmann::json> Plugin::call_json(std::string_view method, const nlohmann::json& request,
                                         const CallOptions& options) const {
    const auto text = text_of(*this, method, request);
    return text ? json_of(method, call(method, *text, options)) : text.error();
}

result<nlohmann::json> Plugin::json_of(std::string_view method, const result<Bytes>& reply) const {
    if (!reply) {
        return reply.error();
    }
    std::string cause;
    auto json = detail::parse_bounded_json(reply->text(), cause);
    if (!json) {
        return Error{ErrorCode::plugin_failed, Effect::unknown, 0,
                     "plugin " + name() + ": call '" + std::string(method) + "' did not answer with JSON: " + cause,
                     nullptr};
    }
    return result<nlohmann::json>(boost::system::in_place_value, *std::move(json));
}

result<RequestBuffer> Plugin::prepare(std::string_view method, std::size_t size, const CallOptions& options) const {
    return lane_->prepare(nullptr, method, size, options);
}

result<Bytes> Plugin::call(RequestBuffer request, const CallOptions& options) const {
    return lane_->call(nullptr, request, options);
}

result<UntrustedView> Plugin::call_in_place(RequestBuffer request, const CallOptions& options) const {
    return lane_->call_in_place(nullptr, request, options);
}

result<UntrustedView> Plugin::call_in_place(std::string_view method, std::span<const std::byte> request,
                                            const CallOptions& options) const {
    return lane_->call_in_place(nullptr, method, request, options);
}

Session::Session(Plugin plugin) : plugin_(std::move(plugin)), pin_(std::make_shared<detail::SessionPin>()) {}

bool Session::lost() const { return plugin_.lane_->lost(*pin_); }

result<Bytes> Session::call(std::string_view method, std::span<const std::byte> request,
                            const CallOptions& options) const {
    return plugin_.lane_->call(pin_, method, request, options);
}

result<RequestBuffer> Session::prepare(std::string_view method, std::size_t size, const CallOptions& options) const {
    return plugin_.lane_->prepare(pin_, method, size, options);
}

result<Bytes> Session::call(RequestBuffer request, const CallOptions& options) const {
    return plugin_.lane_->call(pin_, request, options);
}

result<UntrustedView> Session::call_in_place(RequestBuffer request, const CallOptions& options) const {
    return plugin_.lane_->call_in_place(pin_, request, options);
}

result<UntrustedView> Session::call_in_place(std::string_view method, std::span<const std::byte> request,
                                             const CallOptions& options) const {
    return plugin_.lane_->call_in_place(pin_, method, request, options);
}

result<nlohmann::json> Session::call_json(std::string_view method, const nlohmann::json& request,
                                          const CallOptions& options) const {
    const auto text = text_of(plugin_, method, request);
    return text ? plugin_.json_of(method, call(method, *text, options)) : text.error();
}

}  // namespace bulkhead
