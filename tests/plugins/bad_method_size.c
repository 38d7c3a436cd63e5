/* Its methods are said to be shorter than a method is. */
#include "sound.h"

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("bad_method_size");
    table.method_size = sizeof(bulkhead_method) - sizeof(void *);
    return &table;
}
