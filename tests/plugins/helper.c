/* The library that needs_helper.c needs. It can need another one itself. */
#include <bulkhead/plugin/plugin.h>

BULKHEAD_EXPORT const char *helper_text(void);

#ifdef HELPER_NEEDS_BASE
const char *base_text(void);
const char *helper_text(void) { return base_text(); }
#else
const char *helper_text(void) { return "helped"; }
#endif
