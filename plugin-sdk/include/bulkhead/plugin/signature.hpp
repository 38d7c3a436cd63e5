// What the parameters of a handler say about it.
#pragma once

#include <type_traits>

namespace bulkhead::plugin {

class Call;

// What a handler does with the Call itself.
enum class CallUse {
    none,      // answers by returning
    borrowed,  // Call&: looks at it, may answer through it; answered by the result otherwise
    owned,     // Call: answers now or later
};

// What a handler's parameters ask for: at most a request, then at most the call.
template <class... Parameters>
struct Shape {
    static_assert(sizeof...(Parameters) > 2,
                  "a handler takes nothing, (request), (Call&), (Call), (request, Call&) or (request, Call)");
};
template <CallUse Use, class R = void>
struct ShapeOf {
    using Request = R;
    static constexpr CallUse use = Use;
};
template <>
struct Shape<> : ShapeOf<CallUse::none> {};
template <>
struct Shape<Call&> : ShapeOf<CallUse::borrowed> {};
template <>
struct Shape<Call> : ShapeOf<CallUse::owned> {};
template <class R>
struct Shape<R> : ShapeOf<CallUse::none, std::remove_cvref_t<R>> {};
template <class R>
struct Shape<R, Call&> : ShapeOf<CallUse::borrowed, std::remove_cvref_t<R>> {};
template <class R>
struct Shape<R, Call> : ShapeOf<CallUse::owned, std::remove_cvref_t<R>> {};

template <class Handler>
struct Signature;
template <class R, class C, class... P>
struct Signature<R (C::*)(P...)> : Shape<P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const> : Shape<P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) noexcept> : Shape<P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const noexcept> : Shape<P...> {};
template <class R, class... P>
struct Signature<R (*)(P...)> : Shape<P...> {};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : Shape<P...> {};

}  // namespace bulkhead::plugin
