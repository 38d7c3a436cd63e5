// The fields of a request in JSON. A wrong one is an Error with IMAGE_PARAMETER that names it.
#pragma once

#include <bulkhead/plugin/error.hpp>
#include <bulkhead/plugin/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "library/image.h"

class Arguments {
  public:
    explicit Arguments(const nlohmann::json& request) : request_(request) {}

    // "handle": 16 hexadecimal digits, as `open` gave them. Not a number: those lose digits in some languages.
    image_handle handle() const;
    // "radius": a whole number. What it may be is the library's business.
    std::int32_t radius() const;
    // "path": absolute, because a worker's own folder means nothing to a caller.
    std::string path() const;

  private:
    const nlohmann::json& field(const char* name, std::string_view expected) const;

    const nlohmann::json& request_;
};

std::string to_text(image_handle handle);
