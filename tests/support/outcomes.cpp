#include "support/outcomes.hpp"

namespace bulkhead::tests {

std::string summary(const result<Bytes>& outcome) {
    if (outcome) {
        return "ok: " + std::string(outcome->text());
    }
    return std::string(to_string(outcome.error().code)) + "/" + std::string(to_string(outcome.error().effect));
}

std::string sentence(const result<Bytes>& outcome) { return outcome ? std::string() : outcome.error().message; }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string unaccounted(const Stats& stats) {
    if (stats.calls == stats.ended() && stats.in_flight == 0) {
        return {};
    }
    return std::to_string(stats.calls) + " calls, " + std::to_string(stats.ended()) + " outcomes, " +
           std::to_string(stats.in_flight) + " in flight";
}

}  // namespace bulkhead::tests
