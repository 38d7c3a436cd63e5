/* A method has no name at all. */
#include "sound.h"

static const bulkhead_method nameless = {.name = NULL, .run = sound_run};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("null_method_name");
    table.methods = &nameless;
    return &table;
}
