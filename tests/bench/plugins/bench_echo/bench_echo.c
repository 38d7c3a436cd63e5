/* The plugin behind the benchmarks: as little as a plugin can be, so that what is measured is not the plugin. */
#define _POSIX_C_SOURCE 200809L /* for getpid, clock_gettime */

#include <bulkhead/plugin/plugin.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "touches.h"

static const bulkhead_services *services;
static volatile long long *fault_clock; /* shared with the benchmark; NULL: it does not ask when a fault was */

/* {"fault_clock": "PATH"} in the configuration, as the host prints it. 0: done, or not asked for. */
static int map_fault_clock(bulkhead_bytes config) {
    static const char key[] = "{\"fault_clock\":\"";
    char path[PATH_MAX];
    const size_t from = sizeof key - 1;
    if (config.size < from + 2 || config.size - from >= sizeof path || memcmp(config.data, key, from) != 0) {
        return 0;
    }
    const size_t length = config.size - from - 2; /* less the quote and the brace */
    memcpy(path, (const char *)config.data + from, length);
    path[length] = '\0';
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return 1;
    }
    void *memory = mmap(NULL, sizeof *fault_clock, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) {
        return 1;
    }
    fault_clock = memory;
    *fault_clock = *fault_clock; /* the page is there when it is needed */
    return 0;
}

static int create(const bulkhead_services *given, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    services = given;
    *instance = NULL;
    if (map_fault_clock(config) != 0) {
        strcpy(error->text, "its fault clock cannot be mapped");
        return 1;
    }
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static void run_echo(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    services->reply(call, request.data, request.size);
}

/* Reads all of the request in place, and builds an answer of the same size in place. */
static void run_touch(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    const uint64_t sum = touch_sum(request.data, request.size);
    uint64_t *const answer = services->reply_buffer(call, request.size);
    if (answer == NULL) {
        services->fail(call, 1, "there is no room for the answer");
        return;
    }
    touch_fill(answer, request.size, sum);
    services->commit_reply(call, request.size);
}

/* Answers with the worker's pid as the machine writes it. */
static void run_pid(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    const pid_t pid = getpid();
    services->reply(call, &pid, sizeof(pid));
}

static void run_segfault(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)call;
    (void)request;
    volatile int *volatile nowhere = NULL; /* volatile: the compiler must not see it come */
    if (fault_clock != NULL) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        *fault_clock = now.tv_sec * 1000000000LL + now.tv_nsec;
    }
    *nowhere = 1;
}

/* A state of a common size. */
static char state[4096];

static int save(void *instance, bulkhead_state *target, bulkhead_error *error) {
    (void)instance;
    (void)error;
    return services->write_state(target, state, sizeof state);
}

static int load(void *instance, uint32_t version, bulkhead_bytes saved, bulkhead_error *error) {
    (void)instance;
    (void)error;
    if (version != 1 || saved.size != sizeof state) {
        return 1;
    }
    memcpy(state, saved.data, sizeof state);
    return 0;
}

static const bulkhead_method methods[] = {
    {.name = "echo", .flags = BULKHEAD_METHOD_IDEMPOTENT, .run = run_echo},
    {.name = "pid", .flags = BULKHEAD_METHOD_IDEMPOTENT, .run = run_pid},
    {.name = "segfault", .run = run_segfault},
    {.name = "touch", .flags = BULKHEAD_METHOD_IDEMPOTENT, .run = run_touch},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "bench_echo",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof(methods) / sizeof(methods[0]),
    .create = create,
    .destroy = destroy,
    .state_version = 1,
    .save = save,
    .load = load,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
