// Methods that lie to the host: they write into the shared memory behind the worker's back. Each of the lie_...
// methods and double_reply publishes one message that breaks a rule, wakes the host and waits to be ended; an honest
// host never lets them come back.
#pragma once

#include <string>
#include <string_view>

#include "bulkhead/plugin/call.hpp"

namespace faulty {

// Publishes an answer although no call has begun. Does not return.
[[noreturn]] void lie_unasked();
// A reply whose sequence number is far in the future.
void lie_sequence(bulkhead::plugin::Call& call);
// A message of a kind that does not exist. Request: the kind's number, or nothing for 250.
void lie_kind(std::string_view request, bulkhead::plugin::Call& call);
// A reply to a call that is not in flight. Request: "index" (outside of the table) or "generation" (never given).
void lie_call_id(std::string_view request, bulkhead::plugin::Call& call);
// A reply that claims to come from the next incarnation.
void lie_incarnation(bulkhead::plugin::Call& call);
// A reply with a wrong length. Request: "inline" (more than a slot holds) or "limit" (more than a payload may have).
void lie_length(std::string_view request, bulkhead::plugin::Call& call);
// A reply whose payload lies elsewhere. Request: "beyond" (behind the slab's end) or "overflow" (offset and length
// together are more than 2^64).
void lie_offset(std::string_view request, bulkhead::plugin::Call& call);
// Two good replies to one call.
void double_reply(bulkhead::plugin::Call& call);
// Says that other calls than these have entered the plugin, then crashes. Request: "ahead" (calls that were never
// made) or "behind" (none at all).
void lie_begun(std::string_view request);
// Request: a seed. Writes random words over random places of the worker's outbox, then answers "scribbled" by way of
// what is left of it.
std::string scribble(std::string_view request);

}  // namespace faulty
