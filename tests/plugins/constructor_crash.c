/* Crashes while it is being loaded, before anybody can ask it for its table. */
#include "sound.h"

/* A sanitizer would end the process in its own way, before the fault is one. */
__attribute__((constructor, no_sanitize("undefined"), no_sanitize("address"))) static void crash(void) {
    volatile uintptr_t nowhere = 0;
    *(volatile int *)nowhere = 1;
}

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("constructor_crash");
    return &table;
}
