/* Its entry returns no table. */
#include <bulkhead/plugin/plugin.h>

const bulkhead_plugin_table *bulkhead_plugin(void) { return NULL; }
