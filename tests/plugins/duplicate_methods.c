/* Two methods have the same name. */
#include "sound.h"

static const bulkhead_method twins[] = {{.name = "twin", .run = sound_run}, {.name = "twin", .run = sound_run}};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("duplicate_methods");
    table.methods = twins;
    table.method_count = 2;
    return &table;
}
