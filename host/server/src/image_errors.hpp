// The numbers of the image plugin's errors. They never change their meaning; its README.md lists them.
#pragma once

#include <cstdint>

namespace bulkhead::server {

enum class ImageError : std::int32_t {
    parameter = 1,
    io = 2,
    format = 3,
    damaged = 4,
    too_large = 5,
    memory = 6,
    handle = 7,
    cancelled = 8,
    disabled = 9,
};

}  // namespace bulkhead::server
