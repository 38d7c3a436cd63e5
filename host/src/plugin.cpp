#include "bulkhead/host/plugin.hpp"

#include <utility>

#include "bounded_json.hpp"
#include "bulkhead/host/session.hpp"
#include "lane.hpp"

namespace bulkhead {

namespace {

std::string text_of(const nlohmann::json& request) {
    return request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string Plugin::name() const { return lane_->release().manifest.name; }
std::string Plugin::version() const { return lane_->release().manifest.version; }
std::vector<MethodDescription> Plugin::methods() const { return lane_->release().methods; }
Stats Plugin::stats() const { return lane_->stats(); }
PluginStatus Plugin::status() const { return lane_->status(); }

Session Plugin::session() const { return Session(*this); }

result<Bytes> Plugin::call(std::string_view method, std::span<const std::byte> request,
                           const CallOptions& options) const {
    return lane_->call(nullptr, method, request, options);
}

result<nlohmann::json> Plugin::call_json(std::string_view method, const nlohmann::json& request,
                                         const CallOptions& options) const {
    return json_of(method, call(method, text_of(request), options));
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

boost::asio::any_io_executor Plugin::callback_executor() const { return lane_->callback_executor(); }

void Plugin::start_call(const std::shared_ptr<detail::SessionPin>& pin, std::string_view method,
                        std::vector<std::byte> request, const CallOptions& options,
                        std::unique_ptr<detail::Completion> completion,
                        const std::shared_ptr<detail::CancelTicket>& ticket) const {
    lane_->start_call(pin, method, std::move(request), options, std::move(completion), ticket);
}

Session::Session(Plugin plugin) : plugin_(std::move(plugin)), pin_(std::make_shared<detail::SessionPin>()) {}

bool Session::lost() const { return plugin_.lane_->lost(*pin_); }

result<Bytes> Session::call(std::string_view method, std::span<const std::byte> request,
                            const CallOptions& options) const {
    return plugin_.lane_->call(pin_, method, request, options);
}

result<nlohmann::json> Session::call_json(std::string_view method, const nlohmann::json& request,
                                          const CallOptions& options) const {
    return plugin_.json_of(method, call(method, text_of(request), options));
}

}  // namespace bulkhead
