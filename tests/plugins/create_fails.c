/* Refuses to make an instance and says why. */
#include <stdio.h>

#include "sound.h"

static int refuse(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)services;
    (void)config;
    (void)instance;
    error->number = 12;
    snprintf(error->text, sizeof(error->text), "the licence has expired");
    return 1;
}

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("create_fails");
    table.create = refuse;
    return &table;
}
