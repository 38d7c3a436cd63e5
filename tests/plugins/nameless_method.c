/* A method has an empty name. */
#include "sound.h"

static const bulkhead_method nameless = {.name = "", .run = sound_run};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("nameless_method");
    table.methods = &nameless;
    return &table;
}
