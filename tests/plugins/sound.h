/* A table with nothing wrong. Each plugin of this folder that has a wrong one changes the member it is about. */
#ifndef BULKHEAD_TESTS_PLUGINS_SOUND_H
#define BULKHEAD_TESTS_PLUGINS_SOUND_H

#include <bulkhead/plugin/plugin.h>

/* The instance is the table of services itself: there is nothing else to remember. */
static inline int sound_create(const bulkhead_services *services, bulkhead_bytes config, void **instance,
                               bulkhead_error *error) {
    (void)config;
    (void)error;
    *instance = (void *)(uintptr_t)services;
    return 0;
}

static inline void sound_destroy(void *instance) { (void)instance; }

/* Answers with the request. */
static inline void sound_run(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    const bulkhead_services *services = instance;
    services->reply(call, request.data, request.size);
}

static const bulkhead_method sound_method = {.name = "echo", .run = sound_run};

static inline bulkhead_plugin_table sound_table(const char *name) {
    const bulkhead_plugin_table table = {
        .size = sizeof(bulkhead_plugin_table),
        .abi_version = BULKHEAD_ABI_VERSION,
        .method_size = sizeof(bulkhead_method),
        .name = name,
        .version = "1.0.0",
        .methods = &sound_method,
        .method_count = 1,
        .create = sound_create,
        .destroy = sound_destroy,
    };
    return table;
}

#endif
