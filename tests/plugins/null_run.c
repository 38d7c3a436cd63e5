/* A method cannot be run. */
#include "sound.h"

static const bulkhead_method lame = {.name = "lame", .run = NULL};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("null_run");
    table.methods = &lame;
    return &table;
}
