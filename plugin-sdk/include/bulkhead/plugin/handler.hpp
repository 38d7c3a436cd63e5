// How a call reaches a handler and the handler's result reaches the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include "bulkhead/plugin/call.hpp"
#include "bulkhead/plugin/codec.hpp"
#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/instance.hpp"
#include "bulkhead/plugin/plugin.h"
#include "bulkhead/plugin/signature.hpp"

namespace bulkhead::plugin {

// Calls the handler, a member of T or a free function, with the arguments its shape asks for.
template <auto Handler, class T, class... Arguments>
decltype(auto) invoke_with(T& object, Arguments&&... arguments) {
    if constexpr (std::is_member_function_pointer_v<decltype(Handler)>) {
        return std::invoke(Handler, object, std::forward<Arguments>(arguments)...);
    } else {
        return std::invoke(Handler, std::forward<Arguments>(arguments)...);
    }
}

// The request as a handler wants it. Outlives the handler, because its result may refer to it.
template <class Request>
struct DecodedRequest {
    static_assert(Decodable<Request>, "a handler's request is a type that Codec can decode");
    explicit DecodedRequest(bulkhead_bytes request)
        : value(Codec<Request>::decode({static_cast<const std::byte*>(request.data), request.size})) {}
    Request value;
};
template <>
struct DecodedRequest<void> {
    explicit DecodedRequest(bulkhead_bytes) {}
};

template <auto Handler, class T, class Request, class... CallArgument>
decltype(auto) invoke_handler(T& object, DecodedRequest<Request>& request, CallArgument&&... call) {
    if constexpr (std::is_void_v<Request>) {
        return invoke_with<Handler>(object, std::forward<CallArgument>(call)...);
    } else {
        return invoke_with<Handler>(object, std::move(request.value), std::forward<CallArgument>(call)...);
    }
}

template <auto Handler>
using RequestOf = DecodedRequest<typename Signature<decltype(Handler)>::Request>;

// Runs a handler that answers by returning. One that answered through the Call& has answered.
template <auto Handler, class T>
void run_and_reply(T& object, bulkhead_bytes bytes, Call& call) {
    RequestOf<Handler> request(bytes);
    const auto invoke = [&]() -> decltype(auto) {
        if constexpr (Signature<decltype(Handler)>::use == CallUse::borrowed) {
            return invoke_handler<Handler>(object, request, call);
        } else {
            return invoke_handler<Handler>(object, request);
        }
    };
    using Result = decltype(invoke());
    if constexpr (std::is_void_v<Result>) {
        invoke();
        if (call) {
            call.reply();
        }
    } else {
        static_assert(Encodable<std::remove_cvref_t<Result>>, "a handler's result is a type that Codec can encode");
        const auto& result = invoke();
        if (call) {
            call.reply(result);
        }
    }
}

// Becomes the Call parameter of a handler in place, without a move. So an exception that leaves the handler while
// the call is still its parameter answers the call with what it says, instead of "dropped".
class LentCall {
  public:
    LentCall(Services services, bulkhead_bytes request, bulkhead_call*& open) noexcept
        : services_(services), request_(request), open_(open) {}
    operator Call() const noexcept { return Call(services_, std::exchange(open_, nullptr), request_, &open_); }

  private:
    Services services_;
    bulkhead_bytes request_;
    bulkhead_call*& open_;
};

// An exception after the call was answered or given away can only be logged.
template <class T>
void report_failure(const Instance<T>& self, bulkhead_call* open) noexcept {
    report_exception([&](std::int32_t number, const char* text) {
        if (open != nullptr) {
            self.services.table().fail(open, number, text);
        } else {
            self.services.log(LogLevel::error, text);
        }
    });
}

template <auto Handler, class T>
void run_owning(Instance<T>& self, bulkhead_call* call, bulkhead_bytes bytes) noexcept {
    bulkhead_call* open = call;
    try {
        RequestOf<Handler> request(bytes);
        const LentCall lent(self.services, bytes, open);
        using Result = decltype(invoke_handler<Handler>(self.object, request, lent));
        static_assert(std::is_void_v<Result>, "a handler that takes the Call answers through it and returns nothing");
        invoke_handler<Handler>(self.object, request, lent);
        if (open != nullptr) {
            const Call dropped(self.services, open, bytes);
        }
    } catch (...) {
        report_failure(self, open);
    }
}

template <auto Handler, class T>
void run_replying(Instance<T>& self, bulkhead_call* call, bulkhead_bytes request) noexcept {
    bulkhead_call* open = nullptr;
    try {
        Call lent(self.services, call, request, &open);
        run_and_reply<Handler>(self.object, request, lent);
    } catch (...) {
        report_failure(self, open);
    }
}

// `bulkhead_method.run` of a handler of T.
template <class T, auto Handler>
void run(void* instance, bulkhead_call* call, bulkhead_bytes request) noexcept {
    auto& self = *static_cast<Instance<T>*>(instance);
    if constexpr (Signature<decltype(Handler)>::use == CallUse::owned) {
        run_owning<Handler>(self, call, request);
    } else {
        run_replying<Handler>(self, call, request);
    }
}

}  // namespace bulkhead::plugin
