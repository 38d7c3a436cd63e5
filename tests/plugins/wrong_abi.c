/* Was compiled for an ABI version that does not exist yet. */
#include "sound.h"

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("wrong_abi");
    table.abi_version = 99;
    return &table;
}
