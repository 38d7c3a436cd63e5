/* Makes the library in checksum.h a plugin: what wrapping an existing C library takes. */
#include <bulkhead/plugin/plugin.h>
#include <stdio.h>
#include <stdlib.h>

#include "checksum.h"

/* All that this plugin has to remember. */
typedef struct checksum_plugin {
    const bulkhead_services *services;
} checksum_plugin;

static int create(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    checksum_plugin *plugin = malloc(sizeof(*plugin));
    if (plugin == NULL) {
        error->number = 1;
        snprintf(error->text, sizeof(error->text), "out of memory");
        return 1;
    }
    plugin->services = services;
    *instance = plugin;
    return 0;
}

static void destroy(void *instance) { free(instance); }

/* Bytes in, their checksum as 4 bytes out, least significant first. */
static void run_checksum(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    const checksum_plugin *plugin = instance;
    const uint32_t sum = checksum(request.data, request.size);
    const uint8_t reply[4] = {(uint8_t)sum, (uint8_t)(sum >> 8), (uint8_t)(sum >> 16), (uint8_t)(sum >> 24)};
    plugin->services->reply(call, reply, sizeof(reply));
}

static const bulkhead_method methods[] = {
    {.name = "checksum", .flags = BULKHEAD_METHOD_IDEMPOTENT, .run = run_checksum},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "checksum",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof(methods) / sizeof(methods[0]),
    .create = create,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
