// Defaults for builds with a sanitizer; without one nobody asks for them.
//
// A plugin's fault must end the worker by its own signal, as in every other build, so that the host sees the same
// death. Leaks are the business of the plugin's own tests: a worker often ends with calls open.
#include "bulkhead/plugin/plugin.h"

#define BULKHEAD_FAULTS_KEEP_THEIR_SIGNALS \
    "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:handle_sigill=0:handle_sigtrap=0"

extern "C" {

BULKHEAD_EXPORT const char* __asan_default_options();
BULKHEAD_EXPORT const char* __ubsan_default_options();
BULKHEAD_EXPORT const char* __tsan_default_options();

const char* __asan_default_options() { return BULKHEAD_FAULTS_KEEP_THEIR_SIGNALS ":abort_on_error=1:detect_leaks=0"; }

const char* __ubsan_default_options() { return BULKHEAD_FAULTS_KEEP_THEIR_SIGNALS ":abort_on_error=1"; }

// Forked workers make threads although the fork server had been one process. An orderly end takes no second of sleep.
// What a library's thread-local memory is, the sanitizer guesses, and where it lies unluckily it takes a random number
// for its size and ends the process.
const char* __tsan_default_options() {
    return BULKHEAD_FAULTS_KEEP_THEIR_SIGNALS
        ":abort_on_error=1:die_after_fork=0:atexit_sleep_ms=0:intercept_tls_get_addr=0";
}

}  // extern "C"
