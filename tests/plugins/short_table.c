/* Its table ends before the members that every version has. */
#include "sound.h"

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("short_table");
    table.size = offsetof(bulkhead_plugin_table, methods);
    return &table;
}
