// State as anything that nlohmann_json converts, stored as CBOR:
//
//   struct Count { std::int64_t count = 0; };
//   NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Count, count)
//
//   struct Counter {
//       static constexpr std::uint32_t state_version = 2;
//       Count save() const;
//       void load(const Count& state);
//       // Optional: brings the state of another version up, or down, before it becomes a Count.
//       static nlohmann::json migrate(nlohmann::json state, std::uint32_t version);
//       // Optional: fields that Count does not know are kept and written back, in objects inside too, as long as the
//       // object is still there. Not those of objects in arrays: which element is which, nobody knows.
//       static constexpr bool keep_unknown_fields = true;
//   };
//
// Missing fields take their defaults, unknown ones are ignored or kept. The state of a later version is refused, unless
// there is a migrate(), a load() with a version, or unknown fields are kept.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/json_value.hpp"
#include "bulkhead/plugin/state_format.hpp"
#include "bulkhead/plugin/state_output.hpp"

namespace bulkhead::plugin {

inline constexpr JsonSubject kStateSubject{"the state", "state."};

template <class T>
concept MigratesJson = requires(T& object, nlohmann::json state, std::uint32_t version) {
    { object.migrate(std::move(state), version) } -> std::convertible_to<nlohmann::json>;
};

template <class T>
concept KeepsUnknownFields = requires {
    { T::keep_unknown_fields } -> std::convertible_to<bool>;
}
&&T::keep_unknown_fields;

// A field that the state's type does not know, and the object that it was in.
struct UnknownField {
    nlohmann::json::json_pointer parent;
    std::string name;
    nlohmann::json value;
};

// What of `document` is not in `known`, objects inside objects included.
inline void find_unknown_fields(const nlohmann::json& document, const nlohmann::json& known,
                                const nlohmann::json::json_pointer& place, std::vector<UnknownField>& unknown) {
    if (!document.is_object() || !known.is_object()) {
        return;
    }
    for (const auto& [name, value] : document.items()) {
        if (const auto found = known.find(name); found == known.end()) {
            unknown.push_back({place, name, value});
        } else {
            find_unknown_fields(value, *found, place / name, unknown);
        }
    }
}

// Puts them back where nothing else has come. What was in an object that the plugin took away is gone with it.
inline void add_unknown_fields(nlohmann::json& document, const std::vector<UnknownField>& unknown) {
    for (const UnknownField& field : unknown) {
        if (!document.contains(field.parent)) {
            continue;
        }
        nlohmann::json& parent = document.at(field.parent);
        if (parent.is_object() && !parent.contains(field.name)) {
            parent[field.name] = field.value;
        }
    }
}

// What is bytes already stays bytes.
template <class State>
concept JsonState = std::same_as<State, nlohmann::json> ||
    (JsonValue<State>&& FromJson<State>&& ToJson<State> && !BytesState<State>);

template <class T, JsonState State>
struct StateFormat<T, State> {
    static constexpr bool accepts(std::uint32_t version) {
        return version <= T::state_version || MigratesJson<T> || KeepsUnknownFields<T>;
    }

    void write(const State& state, StateOutput& output) {
        if constexpr (KeepsUnknownFields<T>) {
            nlohmann::json document(state);
            add_unknown_fields(document, unknown);
            write_cbor(document, output);
        } else {
            write_cbor(state, output);
        }
    }

    State read(T& object, std::span<const std::byte> bytes, std::uint32_t version) {
        nlohmann::json document = parse(bytes);
        if constexpr (MigratesJson<T>) {
            if (version != T::state_version) {
                document = object.migrate(std::move(document), version);
            }
        } else {
            static_cast<void>(object);
            static_cast<void>(version);
        }
        State state = convert(document);
        if constexpr (KeepsUnknownFields<T>) {
            unknown.clear();
            find_unknown_fields(document, nlohmann::json(state), nlohmann::json::json_pointer(), unknown);
        }
        return state;
    }

    static void write_cbor(const nlohmann::json& document, StateOutput& output) {
        const std::vector<std::uint8_t> bytes = nlohmann::json::to_cbor(document);
        output.write(std::as_bytes(std::span(bytes)));
    }

    static State convert(const nlohmann::json& document) {
        if constexpr (std::same_as<State, nlohmann::json>) {
            return document;
        } else {
            return from_json_document<State>(document, kStateSubject);
        }
    }

    static nlohmann::json parse(std::span<const std::byte> bytes) {
        const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
        try {
            // A tag is the subtype of json::binary, and comes from to_cbor().
            constexpr auto kTags = nlohmann::json::cbor_tag_handler_t::store;
            return nlohmann::json::from_cbor(first, first + bytes.size(), true, true, kTags);
        } catch (const nlohmann::json::parse_error& error) {
            throw Error(kUnspecified, std::string("the state is not CBOR: ") + error.what());
        }
    }

    struct Nothing {};
    [[no_unique_address]] std::conditional_t<KeepsUnknownFields<T>, std::vector<UnknownField>, Nothing> unknown;
};

}  // namespace bulkhead::plugin
