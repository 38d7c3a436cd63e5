/* Cannot make an instance. */
#include "sound.h"

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("no_create");
    table.create = NULL;
    return &table;
}
