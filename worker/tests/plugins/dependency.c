/* A private library of a plugin: not in the system's places, found only because the worker loads it first. */
#include "bulkhead/plugin/plugin.h"

BULKHEAD_EXPORT int answer_of_the_dependency(void);
BULKHEAD_EXPORT int answer_of_the_deepest(void);

#if defined(DEEPEST)
int answer_of_the_deepest(void) { return 42; }
#else
int answer_of_the_dependency(void) { return answer_of_the_deepest(); }
#endif
