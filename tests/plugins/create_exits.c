/* Ends the process while it should make an instance. */
#include <stdlib.h>

#include "sound.h"

static int leave(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)services;
    (void)config;
    (void)instance;
    (void)error;
    exit(5);
    return 0;
}

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("create_exits");
    table.create = leave;
    return &table;
}
