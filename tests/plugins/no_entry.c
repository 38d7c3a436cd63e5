/* A shared library that is no plugin: it does not export bulkhead_plugin. */
#include <bulkhead/plugin/plugin.h>

BULKHEAD_EXPORT int something_else(void);

int something_else(void) { return 1; }
