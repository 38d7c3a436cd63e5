// Handlers that take or return plain types: whatever nlohmann_json can convert.
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "bulkhead/plugin/codec.hpp"
#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/json_fault.hpp"
#include "bulkhead/plugin/json_parse.hpp"

namespace bulkhead::plugin {

// Has a from_json: one of nlohmann_json's, one of its NLOHMANN_DEFINE_TYPE_... macros, or the author's.
template <class T>
concept FromJson = std::default_initializable<T> && requires(const nlohmann::json& document, T& value) {
    nlohmann::adl_serializer<T>::from_json(document, value);
};
template <class T>
concept ToJson = requires(nlohmann::json& document, const T& value) {
    nlohmann::adl_serializer<T>::to_json(document, value);
};

// How sentences speak of a document and of its fields.
struct JsonSubject {
    std::string_view document;
    std::string_view prefix;  // of a field's path
};
inline constexpr JsonSubject kRequestSubject{"the request", ""};
inline constexpr JsonSubject kConfigSubject{"the config", "config."};

inline std::string with_article(const std::string& type) {
    const bool vowel = type == "array" || type == "object";
    return type == "null" ? type : (vowel ? "an " : "a ") + type;
}

// "size.width must be a number, not a string"
inline std::string json_type_sentence(const JsonFaultSearch& fault, const std::string& complaint,
                                      const JsonSubject& subject) {
    const JsonTypeComplaint type(complaint);
    if (!fault.finished() || fault.value().type_name() != type.found) {
        return "in " + std::string(subject.document) + " a field must be " + with_article(type.expected) + ", not " +
               with_article(type.found);
    }
    const std::string name =
        fault.path().empty() ? std::string(subject.document) : std::string(subject.prefix) + fault.path();
    return name + " must be " + with_article(type.expected) + ", not " + with_article(type.found);
}

// The document as a T. Missing fields take what T's from_json gives them, unknown ones are ignored. Throws Error: of a
// wrong type it names the field, what it must be and what it is.
template <FromJson T>
T from_json_document(const nlohmann::json& document, const JsonSubject& subject) {
    try {
        return document.get<T>();
    } catch (const nlohmann::json::type_error& error) {
        const auto complaint_of = [](const nlohmann::json& candidate) -> std::string {
            try {
                static_cast<void>(candidate.get<T>());
            } catch (const nlohmann::json::type_error& again) {
                return again.what();
            } catch (const std::exception&) {  // something else is wrong with the cut-down document
            }
            return "";
        };
        const JsonFaultSearch fault(document, error.what(), complaint_of);
        throw Error(kUnspecified, json_type_sentence(fault, error.what(), subject));
    } catch (const nlohmann::json::out_of_range& error) {
        const std::string_view text = error.what();
        const auto quote = text.find('\'');
        if (error.id != 403 || quote == text.npos) {
            throw;
        }
        const std::string_view name = text.substr(quote + 1, text.rfind('\'') - quote - 1);
        throw Error(kUnspecified, std::string(subject.document) + " lacks the field " + std::string(name));
    }
}

// What has a Codec of its own (text, bytes, nlohmann::json) keeps it.
template <class T>
concept JsonValue = (FromJson<T> || ToJson<T>)&&(std::is_class_v<T> || std::is_arithmetic_v<T> || std::is_enum_v<T>);

template <JsonValue T>
struct Codec<T> {
    static T decode(std::span<const std::byte> request) requires FromJson<T> {
        const auto document =
            parse_json(Codec<std::string_view>::decode(request), std::string(kRequestSubject.document));
        return from_json_document<T>(document, kRequestSubject);
    }
    static std::string encode(const T& value) requires ToJson<T> { return nlohmann::json(value).dump(); }
};

template <>
struct Codec<nlohmann::json> {
    static nlohmann::json decode(std::span<const std::byte> request) {
        return parse_json(Codec<std::string_view>::decode(request), std::string(kRequestSubject.document));
    }
    static std::string encode(const nlohmann::json& value) { return value.dump(); }
};

}  // namespace bulkhead::plugin
