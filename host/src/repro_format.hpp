// A Repro as the bytes of a file, and back.
//
//   bulkhead-repro 1\n          what it is, and the version of this layout
//   {...}\n                     JSON: everything but the two below, and their sizes
//   the request's bytes
//   the state's bytes
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "bulkhead/host/repro.hpp"

namespace bulkhead::detail {

// How each of them begins.
inline constexpr std::string_view kReproStart = "bulkhead-repro 1\n";

// What goes before the request's and the state's bytes.
std::string repro_head(const Repro& repro);

// Fails with `invalid_argument`; `origin` is how the sentence calls the file.
result<Repro> parse_repro(std::string_view bytes, const std::string& origin);

}  // namespace bulkhead::detail
