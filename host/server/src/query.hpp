// The target of a request: "/blur?radius=8".
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace bulkhead::server {

struct Target {
    std::string_view path;                               // as it came: no route needs an escape
    std::map<std::string_view, std::string_view> query;  // of a name that comes twice the last one
};

// The views refer to `target`.
Target parse_target(std::string_view target);

}  // namespace bulkhead::server
