#include "routes.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include "query.hpp"

namespace bulkhead::server {

namespace asio = boost::asio;

namespace {

enum class Route { help, health, stats, blur, mirror, crash };

struct Place {
    std::string_view path;
    http::verb method;
    Route route;
};

constexpr std::array<Place, 6> kPlaces = {{{"/", http::verb::get, Route::help},
                                           {"/health", http::verb::get, Route::health},
                                           {"/stats", http::verb::get, Route::stats},
                                           {"/blur", http::verb::post, Route::blur},
                                           {"/mirror", http::verb::post, Route::mirror},
                                           {"/debug/crash", http::verb::post, Route::crash}}};

const Place* place_of(std::string_view path, bool debug) {
    for (const Place& place : kPlaces) {
        if (place.path == path && (debug || place.route != Route::crash)) {
            return &place;
        }
    }
    return nullptr;
}

constexpr std::string_view kHelp = R"(resize-server: JPEG or PNG in, PNG out

  POST /blur?radius=8    the picture in the body, blurred
  POST /mirror           the picture in the body, left and right swapped
  GET  /health           200 when the plugin serves, 503 when it does not
  GET  /stats            figures as JSON

  curl --data-binary @photo.jpg 'http://127.0.0.1:8080/blur?radius=8' > out.png

Errors are JSON: {"error": NAME, "message": SENTENCE}, with "report" when a worker died of it.
)";

// What the plugin makes of it is its business; here it only has to be a number.
std::optional<std::int32_t> radius_in(const Target& target) {
    const auto found = target.query.find("radius");
    if (found == target.query.end()) {
        return std::nullopt;
    }
    const char* end = found->second.data() + found->second.size();
    std::int32_t radius = 0;
    const auto [last, error] = std::from_chars(found->second.data(), end, radius);
    return error == std::errc() && last == end ? std::optional(radius) : std::nullopt;
}

Answer text(std::string_view content) {
    Answer answer;
    answer.content_type = "text/plain; charset=utf-8";
    answer.text = content;
    return answer;
}

}  // namespace

std::optional<Answer> Routes::refuse(http::verb method, std::string_view target) const {
    const Target parsed = parse_target(target);
    const Place* place = place_of(parsed.path, debug_);
    if (place == nullptr) {
        return refusal(http::status::not_found, "not_found",
                       "there is nothing at this path; GET / lists what there is");
    }
    if (method != place->method) {
        const std::string allowed(http::to_string(place->method));
        Answer answer = refusal(http::status::method_not_allowed, "method_not_allowed",
                                "this path answers to " + allowed + " only");
        answer.allow = allowed;
        return answer;
    }
    if (place->route == Route::blur && !radius_in(parsed)) {
        return refusal(http::status::bad_request, "bad_request",
                       "the query must have a whole number 'radius', as in /blur?radius=8");
    }
    return std::nullopt;
}

asio::awaitable<Answer> Routes::answer(std::string_view target, std::string_view body) {
    const Target parsed = parse_target(target);
    const Route route = place_of(parsed.path, debug_)->route;
    switch (route) {
        case Route::help:
            co_return text(kHelp);
        case Route::stats:
            co_return stats();
        case Route::health:
            co_return co_await jobs_.health();
        case Route::crash:
            co_return co_await jobs_.crash();
        case Route::mirror:
        case Route::blur:
            break;
    }
    // A variable, because g++ 12 destroys a braced temporary of a co_await twice.
    Operation operation{"mirror", nlohmann::json::object()};
    if (route == Route::blur) {
        operation = {"blur", {{"radius", *radius_in(parsed)}}};
    }
    co_return co_await jobs_.transform(body, std::move(operation));
}

Answer Routes::stats() const {
    nlohmann::json figures = jobs_.stats();
    figures["connections"] = connections_;
    nlohmann::json& answers = figures["answers"] = nlohmann::json::object();
    for (const auto& [status, count] : answers_) {
        answers[std::to_string(status)] = count;
    }
    Answer answer;
    answer.text = figures.dump(2) + "\n";
    return answer;
}

}  // namespace bulkhead::server
