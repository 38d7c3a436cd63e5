/* Has 257 methods, one more than is allowed. */
#include <stdio.h>

#include "sound.h"

enum { too_many = 257 };

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static char names[too_many][24];
    static bulkhead_method methods[too_many];
    for (int i = 0; i < too_many; ++i) {
        snprintf(names[i], sizeof(names[i]), "method-%d", i);
        methods[i] = sound_method;
        methods[i].name = names[i];
    }
    static bulkhead_plugin_table table;
    table = sound_table("too_many_methods");
    table.methods = methods;
    table.method_count = too_many;
    return &table;
}
