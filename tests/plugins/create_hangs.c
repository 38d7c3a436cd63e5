/* Never finishes making its instance. */
#include <unistd.h>

#include "sound.h"

static int hang(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)services;
    (void)config;
    (void)instance;
    (void)error;
    for (;;) {
        pause();
    }
    return 0;
}

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("create_hangs");
    table.create = hang;
    return &table;
}
