// Methods that answer: as they should, late, with an error, with too much.
#pragma once

#include <string_view>

#include "bulkhead/plugin/call.hpp"

namespace faulty {

// The request itself.
std::string_view echo(std::string_view request);
// The same, built in the reply buffer.
void echo_in_place(std::string_view request, bulkhead::plugin::Call& call);
// Request: how many bytes. Byte i is i modulo 251; built in the reply buffer.
void big_reply(std::string_view request, bulkhead::plugin::Call& call);
// Request: how many bytes, more than the payload limit. Given to reply() as if there were none.
void too_big(std::string_view request, bulkhead::plugin::Call& call);
// Request: "number text". Fails with both.
void fail(std::string_view request, bulkhead::plugin::Call& call);
// Throws std::runtime_error with the request as its text; the SDK makes it a failure.
void throw_exception(std::string_view request);
// The deadline in nanoseconds as the worker tells it, "0" when there is none.
std::string deadline(bulkhead::plugin::Call& call);

}  // namespace faulty
