// Outcomes of calls as tests talk about them.
#pragma once

#include <bulkhead/host/plugin.hpp>
#include <bulkhead/host/report.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace bulkhead {

// For doctest's messages.
inline std::ostream& operator<<(std::ostream& out, ErrorCode code) { return out << to_string(code); }
inline std::ostream& operator<<(std::ostream& out, Effect effect) { return out << to_string(effect); }
inline std::ostream& operator<<(std::ostream& out, Cause cause) { return out << to_string(cause); }
inline std::ostream& operator<<(std::ostream& out, Phase phase) { return out << to_string(phase); }

}  // namespace bulkhead

namespace bulkhead::tests {

// What a call came to, in one line: "ok: TEXT" or "CODE/EFFECT". For comparisons that say everything when they fail.
std::string summary(const result<Bytes>& outcome);
// The sentence of the error; empty when there is none.
std::string sentence(const result<Bytes>& outcome);

bool contains(std::string_view text, std::string_view part);

// Every call that was started has exactly one outcome, and none is under way. As text; empty: so it is.
std::string unaccounted(const Stats& stats);

}  // namespace bulkhead::tests
