/* Answers in capitals. */
#include <bulkhead/plugin/plugin.h>
#include <ctype.h>

static const bulkhead_services *services;

static int create(const bulkhead_services *worker, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)error;
    services = worker;
    *instance = NULL;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static void shout(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    const unsigned char *text = request.data;
    char *capitals = services->reply_buffer(call, request.size);
    if (capitals == NULL) {
        services->fail(call, 1, "too long to be shouted");
        return;
    }
    for (size_t i = 0; i < request.size; ++i) {
        capitals[i] = (char)toupper(text[i]);
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
    .name = "shout",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof(methods) / sizeof(methods[0]),
    .create = create,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
