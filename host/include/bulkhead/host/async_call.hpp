// How an asynchronous call begins. Not for direct use.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "bulkhead/host/call_options.hpp"
#include "bulkhead/host/completion.hpp"
#include "bulkhead/host/export.hpp"

namespace bulkhead::detail {

struct SessionPin;

using AsyncSignature = void(result<Bytes>);

// A token that is the handler itself, as a callback is, also one that is bound to an executor or a slot: its call
// starts at once.
template <typename Token>
concept PlainHandler = requires {
    requires std::same_as<typename boost::asio::async_result<Token, AsyncSignature>::completion_handler_type, Token>;
    requires std::is_void_v<typename boost::asio::async_result<Token, AsyncSignature>::return_type>;
};

// What a call is made with. It refers to its caller's arguments: what of them has to last is the lane's to copy.
struct AsyncCall {
    const std::shared_ptr<Lane>& lane;
    const std::shared_ptr<SessionPin>& pin;  // null: no session
    std::string_view method;
    std::optional<std::uint16_t> number;  // the method's, when it is known
    std::span<const std::byte> request;
    const CallOptions& options;

    template <typename Handler>
    void start(Handler handler) const {
        using Own = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
        const auto ticket = make_ticket(handler);
        boost::asio::any_io_executor fallback;  // only one without an executor needs it
        if constexpr (std::is_same_v<Own, boost::asio::any_io_executor>) {
            fallback = callback_executor();
        }
        start(make_completion(std::move(handler), fallback, ticket), ticket);
    }

  private:
    BULKHEAD_HOST_EXPORT boost::asio::any_io_executor callback_executor() const;
    BULKHEAD_HOST_EXPORT void start(std::unique_ptr<Completion> completion,
                                    const std::shared_ptr<CancelTicket>& ticket) const;
};

// The same with arguments of its own, for a token that may start the call later, or again.
class LaterAsyncCall {
  public:
    explicit LaterAsyncCall(const AsyncCall& call)
        : lane_(call.lane),
          pin_(call.pin),
          method_(call.method),
          number_(call.number),
          request_(call.request.begin(), call.request.end()),
          options_(call.options) {}

    template <typename Handler>
    void operator()(Handler handler) const {
        AsyncCall{lane_, pin_, method_, number_, request_, options_}.start(std::move(handler));
    }

  private:
    std::shared_ptr<Lane> lane_;
    std::shared_ptr<SessionPin> pin_;
    std::string method_;
    std::optional<std::uint16_t> number_;
    std::vector<std::byte> request_;
    CallOptions options_;
};

template <typename CompletionToken>
auto initiate(const AsyncCall& call, CompletionToken&& token) {
    using Token = std::decay_t<CompletionToken>;
    if constexpr (PlainHandler<Token>) {
        call.start(Token(std::forward<CompletionToken>(token)));
    } else {
        return boost::asio::async_initiate<CompletionToken, AsyncSignature>(LaterAsyncCall(call), token);
    }
}

}  // namespace bulkhead::detail
