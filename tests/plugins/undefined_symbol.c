/* Calls a function that nobody defines; bound when it is loaded. */
#include "sound.h"

int nobody_defines_this(void);

static void run(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)request;
    const bulkhead_services *services = instance;
    services->fail(call, nobody_defines_this(), NULL);
}

static const bulkhead_method methods[] = {{.name = "run", .run = run}};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("undefined_symbol");
    table.methods = methods;
    return &table;
}
