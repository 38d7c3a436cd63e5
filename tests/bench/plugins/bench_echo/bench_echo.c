/* The plugin behind the benchmarks: as little as a plugin can be, so that what is measured is not the plugin. */
#define _POSIX_C_SOURCE 200809L /* for getpid */

#include <bulkhead/plugin/plugin.h>
#include <sys/types.h>
#include <unistd.h>

static const bulkhead_services *services;

static int create(const bulkhead_services *given, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)error;
    services = given;
    *instance = NULL;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static void run_echo(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    services->reply(call, request.data, request.size);
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
    *nowhere = 1;
}

static const bulkhead_method methods[] = {
    {.name = "echo", .flags = BULKHEAD_METHOD_IDEMPOTENT, .run = run_echo},
    {.name = "pid", .flags = BULKHEAD_METHOD_IDEMPOTENT, .run = run_pid},
    {.name = "segfault", .run = run_segfault},
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
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
