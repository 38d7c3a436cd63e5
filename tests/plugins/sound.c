/* Nothing is wrong with this one: what the others are compared with, and made of. */
#include "sound.h"

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("sound");
    return &table;
}
