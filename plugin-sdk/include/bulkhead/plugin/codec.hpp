// How the bytes of a request become a handler's parameter, and a handler's result becomes the bytes of a reply.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead::plugin {

// Specialise it for types of your own:
//   static T decode(std::span<const std::byte> request);  // throws, best an Error, when the bytes are no T
//   static auto encode(const T& value);                   // anything contiguous: data(), size(); may view `value`
// Views of the request stay valid until the call is answered.
template <class T>
struct Codec;

template <>
struct Codec<std::span<const std::byte>> {
    static std::span<const std::byte> decode(std::span<const std::byte> request) { return request; }
    static std::span<const std::byte> encode(std::span<const std::byte> value) { return value; }
};

template <>
struct Codec<std::vector<std::byte>> {
    static std::vector<std::byte> decode(std::span<const std::byte> request) {
        return {request.begin(), request.end()};
    }
    static std::span<const std::byte> encode(const std::vector<std::byte>& value) { return value; }
};

template <>
struct Codec<std::string_view> {
    static std::string_view decode(std::span<const std::byte> request) {
        return {reinterpret_cast<const char*>(request.data()), request.size()};
    }
    static std::string_view encode(std::string_view value) { return value; }
};

template <>
struct Codec<std::string> {
    static std::string decode(std::span<const std::byte> request) {
        return std::string(Codec<std::string_view>::decode(request));
    }
    static std::string_view encode(const std::string& value) { return value; }
};

template <class T>
concept Decodable = requires(std::span<const std::byte> request) {
    { Codec<T>::decode(request) } -> std::convertible_to<T>;
};

template <class T>
using Encoded = decltype(Codec<T>::encode(std::declval<const T&>()));

template <class T>
concept Encodable = requires(const Encoded<T>& encoded) {
    std::as_bytes(std::span(encoded));
};

}  // namespace bulkhead::plugin
