/* A plugin that says how often its worker's main thread has asked for memory; its worker must be one that counts. */
#include <bulkhead/plugin/plugin.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t (*counter)(void);

static const bulkhead_services *services;
static counter count_allocations;

static int create(const bulkhead_services *given, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    services = given;
    *instance = NULL;
    /* ISO C has no other way from an address to a function. */
    *(void **)&count_allocations = dlsym(RTLD_DEFAULT, "bulkhead_tests_allocations_of_this_thread");
    if (count_allocations == NULL) {
        snprintf(error->text, sizeof error->text, "its worker does not count allocations");
        return 1;
    }
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static void echo(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    services->reply(call, request.data, request.size);
}

static void allocations(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    char text[24];
    const int length = snprintf(text, sizeof text, "%llu", (unsigned long long)count_allocations());
    services->reply(call, text, (size_t)length);
}

static const bulkhead_method methods[] = {
    {"allocations", BULKHEAD_METHOD_IDEMPOTENT, 0, allocations},
    {"echo", BULKHEAD_METHOD_IDEMPOTENT, 0, echo},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "accountant",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof(methods) / sizeof(methods[0]),
    .create = create,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
