// State that survives the worker: the `save` and `load` members of the ABI's table. A plugin class has it in one of
// three forms, with static constexpr std::uint32_t state_version in each:
//
//   State state;                           // a public member; saved and loaded as it is
//
//   State save() const;                    // the same by functions
//   void load(State state);                // or load(State state, std::uint32_t version)
//
//   void save(StateOutput& output) const;  // bytes of the author's own
//   void load(std::span<const std::byte> bytes, std::uint32_t version);
//
// They run on the main thread: load at most once, after the constructor and before activate(); save whenever a
// checkpoint is due and no method is running. An exception from save keeps the former checkpoint, one from load refuses
// the state.
//
// State is std::string or std::vector<std::byte>; with json.hpp anything that nlohmann_json converts, see
// json_state.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/instance.hpp"
#include "bulkhead/plugin/plugin.h"
#include "bulkhead/plugin/state_format.hpp"
#include "bulkhead/plugin/state_output.hpp"

namespace bulkhead::plugin {

[[noreturn]] inline void refuse_state_version(std::uint32_t version, std::uint32_t own) {
    throw Error(kUnspecified, "the state has version " + std::to_string(version) +
                                  ", this plugin understands version " + std::to_string(own));
}

template <class T, class State>
concept LoadsVersions = requires(T& object, State state, std::uint32_t version) {
    object.load(std::move(state), version);
};
template <class T, class State>
concept LoadsOwnVersion = requires(T& object, State state) {
    object.load(std::move(state));
};

template <class T, class State>
void hand_over_state(T& object, State state, std::uint32_t version) {
    static_assert(LoadsVersions<T, State> || LoadsOwnVersion<T, State>,
                  "a plugin class with save() needs load(State), or load(State, std::uint32_t version)");
    if constexpr (LoadsVersions<T, State>) {
        object.load(std::move(state), version);
    } else {
        object.load(std::move(state));
    }
}

template <WritesState T>
void load_bytes(T& object, std::span<const std::byte> bytes, std::uint32_t version) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    using Bytes = std::span<const std::byte>;
    if constexpr (LoadsVersions<T, Bytes> || LoadsOwnVersion<T, Bytes>) {
        if (!LoadsVersions<T, Bytes> && version != T::state_version) {
            refuse_state_version(version, T::state_version);
        }
        hand_over_state(object, bytes, version);
    } else {
        if (!LoadsVersions<T, std::string_view> && version != T::state_version) {
            refuse_state_version(version, T::state_version);
        }
        hand_over_state(object, text, version);
    }
}

template <Stateful T>
int save(void* instance, bulkhead_state* state, bulkhead_error* error) noexcept {
    return guarded(error, [&] {
        auto& self = *static_cast<Instance<T>*>(instance);
        StateOutput output(self.services.table(), state);
        if constexpr (WritesState<T>) {
            self.object.save(output);
        } else if constexpr (ReturnsState<T>) {
            self.state_format.write(self.object.save(), output);
        } else {
            static_assert(HoldsState<T>,
                          "a plugin class with a state_version needs save() and load(), or a public `state`");
            self.state_format.write(self.object.state, output);
        }
        output.check();
    });
}

template <Stateful T>
int load(void* instance, std::uint32_t version, bulkhead_bytes state, bulkhead_error* error) noexcept {
    return guarded(error, [&] {
        auto& self = *static_cast<Instance<T>*>(instance);
        const std::span bytes(static_cast<const std::byte*>(state.data), state.size);
        if constexpr (WritesState<T>) {
            load_bytes(self.object, bytes, version);
        } else {
            using State = typename StateOf<T>::type;
            if (!LoadsVersions<T, State> && !self.state_format.accepts(version)) {
                refuse_state_version(version, T::state_version);
            }
            State loaded = self.state_format.read(self.object, bytes, version);
            if constexpr (ReturnsState<T>) {
                hand_over_state(self.object, std::move(loaded), version);
            } else {
                self.object.state = std::move(loaded);
            }
        }
    });
}

}  // namespace bulkhead::plugin
