/* The plugin `myplugin`: one method, `shout`, that answers with the request in capitals. */
#include <bulkhead/plugin/plugin.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* All that the plugin remembers; one of it lives in each worker. */
typedef struct plugin_state {
    const bulkhead_services *services;
} plugin_state;

static int create(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config; /* the "config" of plugin.json as JSON; valid until this returns */
    plugin_state *state = malloc(sizeof(*state));
    if (state == NULL) {
        error->number = 1;
        snprintf(error->text, sizeof(error->text), "out of memory");
        return 1;
    }
    state->services = services;
    *instance = state;
    return 0;
}

static void destroy(void *instance) { free(instance); }

static void shout(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    const bulkhead_services *services = ((plugin_state *)instance)->services;
    if (request.size == 0) {
        services->fail(call, 1, "there is nothing to shout"); /* fails this call, nothing else */
        return;
    }
    char *reply = services->reply_buffer(call, request.size); /* built in place, without a copy */
    if (reply == NULL) {
        services->fail(call, 2, "there is no room for the answer");
        return;
    }
    const char *text = request.data;
    for (size_t i = 0; i < request.size; ++i) {
        reply[i] = (char)toupper((unsigned char)text[i]);
    }
    services->commit_reply(call, request.size);
}

static const bulkhead_method methods[] = {
    {.name = "shout", .flags = BULKHEAD_METHOD_IDEMPOTENT, .run = shout},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "myplugin",
    .version = "0.1.0",
    .methods = methods,
    .method_count = sizeof(methods) / sizeof(methods[0]),
    .create = create,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
