#include "bulkhead/host/error.hpp"

#include <array>

namespace bulkhead {
namespace {

constexpr std::array<std::string_view, 17> kCodeNames = {
    "plugin_failed",      "crashed",     "timed_out",   "cancelled",          "overloaded",
    "unavailable",        "quarantined", "too_large",   "no_such_method",     "no_such_plugin",
    "protocol_violation", "stopped",     "load_failed", "policy_unavailable", "bad_manifest",
    "invalid_argument",   "session_lost"};
static_assert(kCodeNames.size() == static_cast<std::size_t>(ErrorCode::session_lost) + 1);

constexpr std::array<std::string_view, 3> kEffectNames = {"none", "unknown", "committed"};

}  // namespace

std::string_view to_string(ErrorCode code) noexcept { return kCodeNames.at(static_cast<std::size_t>(code)); }
std::string_view to_string(Effect effect) noexcept { return kEffectNames.at(static_cast<std::size_t>(effect)); }

void throw_exception_from_error(const Error& error, const boost::source_location&) { throw BadResult(error); }

}  // namespace bulkhead
