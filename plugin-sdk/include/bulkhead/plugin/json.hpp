// JSON for plugins. Needs nlohmann_json 3.10 or later.
//
// Handlers take and return nlohmann::json or any type that it can convert, above all plain structs:
//
//   struct Size { int width = 640; int height = 480; };
//   NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Size, width, height)
//
//   struct Resizer {
//       explicit Resizer(const Options& options);  // from the manifest's "config"
//       Size fit(const Size& wanted);
//   };
//
// Missing fields take their defaults, unknown ones are ignored, and one of a wrong type fails the call, or the start,
// with a sentence such as "size.width must be a number, not a string". Numbers and booleans convert into each other as
// nlohmann_json does it: 2.5 in an int is 2. A state can be such a struct too: json_state.hpp.
#pragma once

#include "bulkhead/plugin/json_config.hpp"
#include "bulkhead/plugin/json_parse.hpp"
#include "bulkhead/plugin/json_state.hpp"
#include "bulkhead/plugin/json_value.hpp"
