/* The Bulkhead plugin ABI: all that a plugin and its worker agree on.
 *
 * A plugin is a shared library that exports one function, `bulkhead_plugin`. It runs in a process of its
 * own, the worker; whatever it does there, the server that embeds the host goes on.
 *
 * Growth: tables only grow at the end. A table starts with its own size; a reader uses a member only when
 * the size says it is there. Strings are UTF-8.
 *
 * Thread tags: [main-thread] is the worker's dispatcher, one call after the other. [any-thread] may be called
 * from every thread of the plugin, at any time between create and the return of destroy.
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

/* One call on its way through the plugin. Opaque; owned by the worker. Valid from the call to `method.run`
 * until it has been answered by exactly one of reply, commit_reply and fail. */
typedef struct bulkhead_call bulkhead_call;

/* Borrowed bytes. `data` may be null when `size` is 0. */
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

/* Where a function that can fail says why. The worker owns it and zeroed it before. */
typedef struct bulkhead_error {
    int32_t number; /* the plugin's own; reaches the caller unchanged */
    char text[252]; /* zero-terminated */
} bulkhead_error;

/* What the worker does for the plugin. The table lives as long as the process. */
typedef struct bulkhead_services {
    size_t size;
    uint32_t abi_version;
    uint32_t reserved;

    /* [any-thread] Logs one line. `text` is borrowed for the call and need not be zero-terminated; more than
     * 240 bytes are cut. Never blocks: when the host does not keep up, the oldest lines are lost and counted. */
    void (*log)(bulkhead_log_level level, const char *text, size_t length);

    /* [any-thread] Answers with a copy of `size` bytes at `data`. Ends the call, and with it the request's
     * bytes and `call` itself. An answer over the payload limit reaches the caller as `too_large`. */
    void (*reply)(bulkhead_call *call, const void *data, size_t size);

    /* [any-thread] Where `size` bytes of the answer can be built in place. The buffer is owned by the call
     * and aligned to 16; asking again replaces it. Null: over the payload limit, or no room in time; then
     * the call is still open. */
    void *(*reply_buffer)(bulkhead_call *call, size_t size);

    /* [any-thread] Answers with the first `size` bytes of the buffer from `reply_buffer`. Ends the call. */
    void (*commit_reply)(bulkhead_call *call, size_t size);

    /* [any-thread] Answers with an error of the plugin's own. `text` is borrowed for the call, may be null.
     * Ends the call. */
    void (*fail)(bulkhead_call *call, int32_t number, const char *text);

    /* [any-thread] The call's deadline on CLOCK_MONOTONIC in nanoseconds; 0 when there is none. */
    uint64_t (*deadline)(const bulkhead_call *call);

    /* [any-thread] Not 0 when nobody waits for the answer any more (deadline, cancellation). The call must
     * still be answered; the answer is dropped. */
    int (*cancelled)(const bulkhead_call *call);

    /* [any-thread] Copies the caller's 16-byte trace id to `id`. 0 when the call carries none. */
    int (*trace_id)(const bulkhead_call *call, uint8_t id[16]);

    /* [any-thread] The folder of the plugin's manifest, zero-terminated; lives as long as the process.
     * `$ORIGIN` cannot tell it: the library is loaded from a sealed copy in memory. */
    const char *(*plugin_directory)(void);
} bulkhead_services;

/* Method flags. */
#define BULKHEAD_METHOD_IDEMPOTENT 1u  /* running it twice is as good as once: tried again after a crash */
#define BULKHEAD_METHOD_THREAD_SAFE 2u /* reserved: may run beside other calls */

typedef struct bulkhead_method {
    const char *name; /* 1 to 59 bytes, zero-terminated; what callers say */
    uint32_t flags;
    uint32_t reserved;

    /* [main-thread] Runs one call. `request` is read in place and stays valid until the call is answered,
     * which may happen later and from another thread. */
    void (*run)(void *instance, bulkhead_call *call, bulkhead_bytes request);
} bulkhead_method;

/* What `bulkhead_plugin` returns: constant, lives as long as the library. */
typedef struct bulkhead_plugin_table {
    size_t size;          /* sizeof(bulkhead_plugin_table) of the header the plugin was compiled with */
    uint32_t abi_version; /* BULKHEAD_ABI_VERSION */
    uint32_t method_size; /* sizeof(bulkhead_method): the distance between two methods */

    const char *name;    /* for reports; the manifest's name decides */
    const char *version; /* for reports */

    const bulkhead_method *methods;
    size_t method_count; /* at most 256 */

    /* [main-thread] Makes the instance that every method gets. `config` is the manifest's "config" as JSON
     * ("{}" when absent), borrowed for the call. 0: done. Else: fill `error`; the worker is given up.
     * A standby's create must not take what only one process may have; that is for activate. */
    int (*create)(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error);

    /* [main-thread] Ends the instance; no call is open any more. Not called after a crash. */
    void (*destroy)(void *instance);

    /* [main-thread] Optional. This worker begins to serve: take ports, locks, devices. 0: done. */
    int (*activate)(void *instance, bulkhead_error *error);

    /* [main-thread] Optional. It has served its last call: give them back. */
    void (*deactivate)(void *instance);
} bulkhead_plugin_table;

/* The library's one export, C linkage. [main-thread], called once after loading. Null refuses to start. */
typedef const bulkhead_plugin_table *(*bulkhead_plugin_function)(void);
BULKHEAD_EXPORT const bulkhead_plugin_table *bulkhead_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
