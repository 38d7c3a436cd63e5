/* Needs a library of its own. Whether that can be had, and how, is decided by how the plugin is linked:
 * missing_dependency, private_dependency, private_dependency_without_soname. */
#include <string.h>

#include "sound.h"

const char *helper_text(void);

static void run(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)request;
    const bulkhead_services *services = instance;
    services->reply(call, helper_text(), strlen(helper_text()));
}

static const bulkhead_method methods[] = {{.name = "help", .run = run}};

const bulkhead_plugin_table *bulkhead_plugin(void) {
    static bulkhead_plugin_table table;
    table = sound_table("needs_helper");
    table.methods = methods;
    return &table;
}
