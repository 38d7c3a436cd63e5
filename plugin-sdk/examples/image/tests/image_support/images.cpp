#include "image_support/images.hpp"

#include <doctest/doctest.h>

namespace bulkhead::tests {
namespace {

nlohmann::json must_be_json(const result<Bytes>& outcome) {
    REQUIRE_MESSAGE(outcome.has_value(), sentence(outcome));
    return nlohmann::json::parse(outcome->text());
}

}  // namespace

nlohmann::json Images::open(std::string_view encoded) const { return must_be_json(session_.call("open", encoded)); }

nlohmann::json Images::call(std::string_view method, const nlohmann::json& request) const {
    return must_be_json(session_.call(method, request.dump()));
}

Picture Images::saved(const nlohmann::json& handle) const {
    const auto png = session_.call("save", nlohmann::json{{"handle", handle}}.dump());
    REQUIRE_MESSAGE(png.has_value(), sentence(png));
    return decode_png(png->text());
}

std::string failure(const result<Bytes>& outcome) {
    if (outcome.has_value() || outcome.error().code != ErrorCode::plugin_failed) {
        return summary(outcome);
    }
    // "plugin image: call 'open' failed: TEXT"
    const std::string& message = outcome.error().message;
    const std::size_t quote = message.find("' ");
    const std::size_t colon = message.find(": ", quote);
    return std::to_string(outcome.error().plugin_number) + message.substr(colon);
}

std::string failure(const Session& session, std::string_view method, const nlohmann::json& request) {
    return failure(session.call(method, request.dump()));
}

}  // namespace bulkhead::tests
