// What the state of a plugin class is, and how it becomes bytes and comes back.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/state_output.hpp"

namespace bulkhead::plugin {

// A plugin class says that it has state by naming its version: static constexpr std::uint32_t state_version.
template <class T>
concept Stateful = requires {
    { T::state_version } -> std::convertible_to<std::uint32_t>;
};

// void save(StateOutput&): the class writes bytes of its own.
template <class T>
concept WritesState = requires(T& object, StateOutput& output) {
    object.save(output);
};
// State save(): the class returns them, or anything that a StateFormat knows.
template <class T>
concept ReturnsState = !WritesState<T> && requires(T & object) {
    object.save();
    requires !std::is_void_v<decltype(object.save())>;
};
// The public member `state` is all of it.
template <class T>
concept HoldsState = !WritesState<T> && !ReturnsState<T> && requires(T & object) {
    object.state;
};

template <class T>
struct StateOf {
    using type = void;
};
template <ReturnsState T>
struct StateOf<T> {
    using type = std::remove_cvref_t<decltype(std::declval<T&>().save())>;
};
template <HoldsState T>
struct StateOf<T> {
    using type = std::remove_cvref_t<decltype(std::declval<T&>().state)>;
};

// How `State` becomes bytes and comes back; one object beside each plugin object. A type of your own gets one by a
// specialisation with these members:
//   static constexpr bool accepts(std::uint32_t version);   // whether `read` can make something of it
//   void write(const State& state, StateOutput& output);
//   State read(T& object, std::span<const std::byte> bytes, std::uint32_t version);
template <class T, class State>
struct StateFormat {
    static_assert(
        !std::is_same_v<State, State>,
        "save() must return std::string, std::vector<std::byte>, or (json.hpp) what nlohmann_json can convert; "
        "or be void save(StateOutput&); or the state is a public member `state`");
};

// A plugin class without state, or one that writes and reads bytes itself.
template <class T>
struct StateFormat<T, void> {};

// Bytes as they are. Only a load() with a version can know what other versions look like.
template <class State>
concept BytesState = std::same_as<State, std::string> || std::same_as<State, std::vector<std::byte>>;

template <class T, BytesState State>
struct StateFormat<T, State> {
    static constexpr bool accepts(std::uint32_t version) { return version == T::state_version; }
    void write(const State& state, StateOutput& output) { output.write(state); }
    State read(T&, std::span<const std::byte> bytes, std::uint32_t) {
        using Element = typename State::value_type;
        const auto* first = reinterpret_cast<const Element*>(bytes.data());
        return State(first, first + bytes.size());
    }
};

template <class T>
struct StateFormatOf {
    using type = StateFormat<T, void>;
};
template <Stateful T>
struct StateFormatOf<T> {
    using type = StateFormat<T, typename StateOf<T>::type>;
};

}  // namespace bulkhead::plugin
