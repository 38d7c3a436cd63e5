/* Opens images, as the image plugin does, and calls them by a number instead of a text. */
#include "sound.h"

static void open_image(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    static const char reply[] = "{\"handle\":7}";
    const bulkhead_services *services = instance;
    (void)request;
    services->reply(call, reply, sizeof reply - 1);
}

static const bulkhead_method odd_method = {.name = "open", .run = open_image};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("odd_handle");
    table.methods = &odd_method;
    return &table;
}
