/* A method's name has 60 bytes, one more than is allowed. */
#include "sound.h"

#define TEN "0123456789"

static const bulkhead_method long_named = {.name = TEN TEN TEN TEN TEN TEN, .run = sound_run};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("long_method_name");
    table.methods = &long_named;
    return &table;
}
