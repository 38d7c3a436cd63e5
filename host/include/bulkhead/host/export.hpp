// What the shared library shows to a server.
#pragma once

// On each class and function of the public API that is not wholly inline. All other symbols stay inside; the list of
// those that do not is host/exported_symbols.txt.
#define BULKHEAD_HOST_EXPORT __attribute__((visibility("default")))

// On what an exported class keeps to itself.
#define BULKHEAD_HOST_PRIVATE __attribute__((visibility("hidden")))
