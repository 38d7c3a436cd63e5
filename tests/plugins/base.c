/* The library that the helper of private_dependency needs. */
#include <bulkhead/plugin/plugin.h>

BULKHEAD_EXPORT const char *base_text(void);

const char *base_text(void) { return "helped from below"; }
