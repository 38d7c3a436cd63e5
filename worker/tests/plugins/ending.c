/* A plugin that keeps its calls and uses them while it ends: one in deactivate, the others in destroy. */
#include <stdio.h>

#include "bulkhead/plugin/plugin.h"

#define CAPACITY 16

static const bulkhead_services *services;
static bulkhead_call *calls[CAPACITY];
static bulkhead_bytes requests[CAPACITY];
static size_t kept;

static void keep(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    calls[kept] = call;
    requests[kept] = request;
    ++kept;
}

static int create(const bulkhead_services *table, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)instance;
    (void)error;
    services = table;
    return 0;
}

static void deactivate(void *instance) {
    (void)instance;
    if (kept > 0) {
        services->reply(calls[0], "in time", 7);
    }
}

static void destroy(void *instance) {
    (void)instance;
    for (size_t index = 1; index < kept; ++index) {
        const char *buffer = services->reply_buffer(calls[index], 1000) == NULL ? "no buffer" : "a buffer";
        printf("%s, cancelled %d, request %.*s\n", buffer, services->cancelled(calls[index]), (int)requests[index].size,
               (const char *)requests[index].data);
        services->commit_reply(calls[index], 0);
        services->reply(calls[index], "too late", 8);
        services->fail(calls[index], 1, "too late");
    }
}

static const bulkhead_method methods[] = {{"keep", 0, 0, keep}};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "ending",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
    .deactivate = deactivate,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
