// The faulty plugin: does on request what bad plugins do. plugin-sdk/README.md lists the methods.
#include "answers.hpp"
#include "bulkhead/plugin/json.hpp"
#include "bulkhead/plugin/plugin.hpp"
#include "crashes.hpp"
#include "eventfds.hpp"
#include "faulty.hpp"
#include "faulty_liar.hpp"
#include "hangs.hpp"
#include "memory.hpp"
#include "output.hpp"
#include "surroundings.hpp"

using bulkhead::plugin::idempotent;
using bulkhead::plugin::method;
using faulty::Faulty;

BULKHEAD_PLUGIN(Faulty, "faulty", "1.0.0",
                // answers
                method<&faulty::echo>("echo", idempotent), method<&faulty::echo_in_place>("echo_in_place", idempotent),
                method<&faulty::big_reply>("big_reply"), method<&faulty::too_big>("too_big"),
                method<&faulty::fail>("fail"), method<&faulty::throw_exception>("throw"),
                method<&faulty::deadline>("deadline"), method<&Faulty::count>("count"),
                method<&Faulty::never_answer>("never_answer"), method<&Faulty::answer_later>("answer_later"),
                // crashes
                method<&faulty::segfault>("segfault"),
                method<&faulty::segfault_idempotent>("segfault_idempotent", idempotent),
                method<&faulty::null_call>("null_call"), method<&faulty::abort_process>("abort"),
                method<&faulty::exit_process>("exit"), method<&faulty::exit_at_once>("_exit"),
                method<&faulty::raise_signal>("raise"), method<&faulty::throw_through>("throw_through"),
                method<&faulty::overflow_stack>("overflow_stack"),
                method<&faulty::overflow_thread_stack>("overflow_thread_stack"),
                method<&faulty::smash_stack>("smash_stack"), method<&faulty::corrupt_heap>("corrupt_heap"),
                method<&faulty::crash_in_thread>("crash_in_thread"),
                // hangs
                method<&faulty::hang>("hang"), method<&faulty::hang_cancellable>("hang_cancellable"),
                method<&faulty::sleep_forever>("sleep_forever"), method<&faulty::stop_self>("stop_self"),
                // memory
                method<&faulty::leak>("leak"), method<&faulty::allocate>("allocate"),
                // output
                method<&faulty::print>("print"), method<&faulty::flood>("flood"), method<&faulty::log>("log"),
                // surroundings
                method<&faulty::open_fds>("open_fds"), method<&faulty::environment>("environment"),
                method<&faulty::cwd>("cwd"), method<&faulty::pid>("pid"), method<&faulty::limits>("limits"),
                method<&faulty::no_new_privs>("no_new_privs"), method<&faulty::fork_child>("fork_child"),
                // lies to the channel
                method<&faulty::lie_sequence>("lie_sequence"), method<&faulty::lie_kind>("lie_kind"),
                method<&faulty::lie_call_id>("lie_call_id"), method<&faulty::lie_incarnation>("lie_incarnation"),
                method<&faulty::lie_length>("lie_length"), method<&faulty::lie_offset>("lie_offset"),
                method<&faulty::double_reply>("double_reply"), method<&faulty::lie_begun>("lie_begun"),
                method<&faulty::scribble>("scribble"), method<&faulty::saturate_eventfds>("saturate_eventfds"),
                method<&faulty::saturate_pipes>("saturate_pipes"))
