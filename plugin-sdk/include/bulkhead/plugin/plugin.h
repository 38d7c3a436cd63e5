/* The Bulkhead plugin ABI: all that a plugin and its worker agree on.
 *
 * A plugin is a shared library that exports one function, `bulkhead_plugin`. It runs in a process of its
 * own, the worker; whatever it does there, the server that embeds the host goes on.
 *
 * ABI.md tells the same by subject: ownership, threads, growth. Here each member says who owns what, for how
 * long, and on which thread.
 *
 * Growth: tables only grow at the end. A table starts with its own size; a reader uses a member only when
 * the size says it is there. Strings are UTF-8. Members called `reserved` are 0 and not looked at.
 *
 * Thread tags: [main-thread] is the worker's dispatcher, which enters the plugin once at a time. [any-thread]
 * may be called from every thread of the plugin, from the call to create until destroy returns.
 *
 * Borrowed: the owner keeps it, the receiver may read it until the function that got it returns.
 *
 * No C++ exception may leave a function of a plugin: it ends the worker.
 *
 * C11 and C++20. No dependencies. */
#ifndef BULKHEAD_PLUGIN_PLUGIN_H
#define BULKHEAD_PLUGIN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BULKHEAD_ABI_VERSION 1u

#if defined(_WIN32)
#define BULKHEAD_EXPORT __declspec(dllexport)
#else
#define BULKHEAD_EXPORT __attribute__((visibility("default")))
#endif

/* One call on its way through the plugin. Opaque: a handle that the worker owns. Valid from the call to
 * `method.run` until it has been answered by exactly one of reply, commit_reply and fail, on any thread.
 * A second answer is ignored and logged, whatever its handle is used for by then. */
typedef struct bulkhead_call bulkhead_call;

/* Where `save` writes. Opaque; the worker owns it. Valid until `save` returns, on its thread. */
typedef struct bulkhead_state bulkhead_state;

/* Bytes of the worker, lent to the plugin: read-only, not zero-terminated, a request aligned to 16. `data` may be
 * null when `size` is 0. Each function that gets them says how long they stay. */
typedef struct bulkhead_bytes {
    const void *data;
    size_t size;
} bulkhead_bytes;

typedef enum bulkhead_log_level {
    BULKHEAD_LOG_DEBUG = 0,
    BULKHEAD_LOG_INFO = 1,
    BULKHEAD_LOG_WARNING = 2,
    BULKHEAD_LOG_ERROR = 3
} bulkhead_log_level;

/* Where a function that can fail says why. The worker owns it, zeroed it before, and reads it when the function
 * has returned something other than 0; the plugin must not keep its address. */
typedef struct bulkhead_error {
    int32_t number; /* the plugin's own; reaches the caller unchanged */
    char text[252]; /* zero-terminated */
} bulkhead_error;

/* What the worker does for the plugin. The worker owns the table; it is constant and lives as long as the
 * process, and so do the functions. */
typedef struct bulkhead_services {
    size_t size;          /* of the table in bytes, as the worker was compiled */
    uint32_t abi_version; /* BULKHEAD_ABI_VERSION of the worker */
    uint32_t reserved;

    /* [any-thread] Logs one line. `text` is borrowed and need not be zero-terminated; of more than 240 bytes
     * the rest is cut. Never blocks: when the host does not keep up, the oldest lines are lost and counted. */
    void (*log)(bulkhead_log_level level, const char *text, size_t length);

    /* [any-thread] Answers with a copy of `size` bytes at `data`, which is borrowed; it may be the request or
     * the reply buffer. Null when `size` is 0. Ends the call, and with it the request's bytes, the reply
     * buffer and `call` itself. An answer over the payload limit reaches the caller as `too_large`. May wait
     * for room, for as long as somebody waits for the answer. Without room by the deadline the call fails with number
     * 0. So it does at once on the main thread, when only answers fill the room that wait for a checkpoint, and with it
     * for the method that runs. */
    void (*reply)(bulkhead_call *call, const void *data, size_t size);

    /* [any-thread], one thread at a time for one call. Where `size` bytes of the answer can be built in place.
     * Owned by the call, until it is answered or asks again, which replaces the buffer; aligned to 16; its
     * content is undefined. May wait for room until the deadline, like reply. Null: over the payload limit,
     * no room in time, or answered; a call that was open still is. */
    void *(*reply_buffer)(bulkhead_call *call, size_t size);

    /* [any-thread] Answers with the first `size` bytes of the buffer from `reply_buffer`, without a copy.
     * Ends the call. More than the buffer has fails the call with number 0. */
    void (*commit_reply)(bulkhead_call *call, size_t size);

    /* [any-thread] Answers with an error of the plugin's own. `text` is borrowed, zero-terminated, cut at 4096
     * bytes, and may be null. Ends the call. */
    void (*fail)(bulkhead_call *call, int32_t number, const char *text);

    /* [any-thread] The call's deadline on CLOCK_MONOTONIC in nanoseconds; 0 when there is none. */
    uint64_t (*deadline)(const bulkhead_call *call);

    /* [any-thread] Not 0 when nobody waits for the answer any more (deadline, cancellation, or the call was
     * answered). An open call must still be answered; the answer is dropped. */
    int (*cancelled)(const bulkhead_call *call);

    /* [any-thread] Copies the caller's 16-byte trace id to `id`, which the plugin owns. 0 when the call
     * carries none; then `id` is left alone. */
    int (*trace_id)(const bulkhead_call *call, uint8_t id[16]);

    /* [any-thread] The folder of the plugin's manifest, zero-terminated; owned by the worker, lives as long as
     * the process. `$ORIGIN` cannot tell it: the library is loaded from a sealed copy in memory. */
    const char *(*plugin_directory)(void);

    /* [main-thread], in `save` only. Appends a copy of `size` bytes at `data`, which is borrowed, to the state. 0:
     * done. Else the state would be over the manifest's state.limit; `save` should fail then, and does whatever it
     * returns. */
    int (*write_state)(bulkhead_state *state, const void *data, size_t size);

    /* [any-thread] Asks for a checkpoint as soon as no method is running. Returns at once. Nothing happens when the
     * plugin has no `save`, nor in `save` itself: what it writes is the checkpoint. Other threads that ask meanwhile
     * get another one, as what they changed may not be in this one. */
    void (*request_checkpoint)(void);
} bulkhead_services;

/* Method flags. */
#define BULKHEAD_METHOD_IDEMPOTENT 1u  /* running it twice is as good as once: tried again after a crash */
#define BULKHEAD_METHOD_THREAD_SAFE 2u /* reserved: may run beside other calls */

/* One method. Owned by the plugin: constant, lives as long as the library, and so does what it points to. */
typedef struct bulkhead_method {
    const char *name; /* 1 to 59 bytes, zero-terminated, no other method's; what callers say */
    uint32_t flags;   /* BULKHEAD_METHOD_..., or-ed */
    uint32_t reserved;

    /* [main-thread] Runs one call. `instance` is what create made. `request` is read in place and stays valid
     * until the call is answered, which may happen later and from another thread. Does not return a result:
     * the answer does. Other calls wait until it returns. */
    void (*run)(void *instance, bulkhead_call *call, bulkhead_bytes request);
} bulkhead_method;

/* What `bulkhead_plugin` returns. Owned by the plugin: constant, lives as long as the library, and so does what
 * it points to. The library is never unloaded. */
typedef struct bulkhead_plugin_table {
    size_t size;          /* sizeof(bulkhead_plugin_table) of the header the plugin was compiled with */
    uint32_t abi_version; /* BULKHEAD_ABI_VERSION */
    uint32_t method_size; /* sizeof(bulkhead_method): the distance between two methods */

    const char *name;    /* for reports; the manifest's name decides */
    const char *version; /* for reports */

    const bulkhead_method *methods; /* may be null when there are none */
    size_t method_count;            /* at most 256 */

    /* [main-thread] Makes the instance that every method gets; once in the life of a worker. `config` is the
     * manifest's "config" as JSON ("{}" when absent), borrowed. `*instance` is the plugin's own until destroy
     * ends it, and may be null. 0: done. Else: fill `error`; the worker is given up, without destroy.
     * A standby's create must not take what only one process may have; that is for activate. */
    int (*create)(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error);

    /* [main-thread] Ends the instance; the last function of the plugin that is entered. No call is open: what
     * was not answered by the end of deactivate the worker has failed. Threads of the plugin that are still at
     * such a call may finish: its request stays readable and what they do with the call is ignored, until
     * destroy returns. It ends them and waits for them. Not called after a crash. */
    void (*destroy)(void *instance);

    /* [main-thread] Optional: null. This worker begins to serve: take ports, locks, devices. 0: done. Else:
     * fill `error`; the worker is given up, without deactivate and destroy. */
    int (*activate)(void *instance, bulkhead_error *error);

    /* [main-thread] Optional: null. No further call comes, but some may still be open: this is the last chance
     * to answer them. Give back what activate took. */
    void (*deactivate)(void *instance);

    /* What version of the state `save` writes. The number comes back to `load`. */
    uint32_t state_version;
    uint32_t reserved;

    /* [main-thread] Optional: null. Writes the instance's whole state with services.write_state, so that a later
     * worker can go on from there: a checkpoint. Entered between two calls, when no method is running, and once more
     * after deactivate; calls that the plugin answers later, from threads of its own, may be open, and what they touch
     * is the plugin's to lock. 0: done. Else: fill `error`; the former checkpoint stays, and calls whose answers it
     * should have covered fail. */
    int (*save)(void *instance, bulkhead_state *state, bulkhead_error *error);

    /* [main-thread] Optional: null when there is no save. Takes over the state that a former worker saved, of the same
     * release or of another one; `version` is that one's state_version. `state` is borrowed. Entered at most once,
     * after create and before activate; not when there is no state. 0: done. Else: fill `error`; the worker is given
     * up, without destroy, the state is put aside, and the manifest's state.when_refused says what comes next. */
    int (*load)(void *instance, uint32_t version, bulkhead_bytes state, bulkhead_error *error);
} bulkhead_plugin_table;

/* The library's one export, C linkage. [main-thread], called once after loading. Null refuses to start. */
typedef const bulkhead_plugin_table *(*bulkhead_plugin_function)(void);
BULKHEAD_EXPORT const bulkhead_plugin_table *bulkhead_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
