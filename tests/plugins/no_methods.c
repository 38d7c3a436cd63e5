/* Has no methods. */
#include "sound.h"

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("no_methods");
    table.method_count = 0;
    return &table;
}
