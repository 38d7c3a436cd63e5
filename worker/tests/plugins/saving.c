/* A plugin with a state, which keeps calls and answers them all in one method, and asks for a checkpoint in each save.
 */
#include <stdlib.h>

#include "bulkhead/plugin/plugin.h"

#define CAPACITY 16

static const bulkhead_services *services;
static bulkhead_call *calls[CAPACITY];
static size_t kept;

static void keep(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    calls[kept++] = call;
}

/* Each gets a megabyte, in place where that works, and then the method has one byte to say. */
static void answer_all(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    const size_t size = 1 << 20;
    char *bytes = calloc(1, size);
    for (size_t index = 0; index < kept; ++index) {
        if (index % 2 == 0 && services->reply_buffer(calls[index], size) != NULL) {
            services->commit_reply(calls[index], size);
        } else {
            services->reply(calls[index], bytes, size);
        }
    }
    kept = 0;
    free(bytes);
    services->reply(call, "!", 1);
}

static int save(void *instance, bulkhead_state *state, bulkhead_error *error) {
    (void)instance;
    (void)error;
    services->request_checkpoint();
    return services->write_state(state, "state", 5);
}

static int load(void *instance, uint32_t version, bulkhead_bytes state, bulkhead_error *error) {
    (void)instance;
    (void)version;
    (void)state;
    (void)error;
    return 0;
}

static int create(const bulkhead_services *table, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)instance;
    (void)error;
    services = table;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static const bulkhead_method methods[] = {{"keep", 0, 0, keep}, {"answer_all", 0, 0, answer_all}};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "saving",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
    .state_version = 1,
    .save = save,
    .load = load,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
