/* plugin.h compiles alone as C11, and its tables have not changed: they only grow at their ends. */
#include "bulkhead/plugin/plugin.h"

_Static_assert(BULKHEAD_ABI_VERSION == 1, "a new version needs a new set of offsets here");

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(bulkhead_bytes) == 16, "by value in run(): can never change");
_Static_assert(sizeof(bulkhead_error) == 256, "owned by the worker: can never change");
_Static_assert(offsetof(bulkhead_error, text) == 4, "published in version 1");

_Static_assert(offsetof(bulkhead_services, size) == 0, "published in version 1");
_Static_assert(offsetof(bulkhead_services, abi_version) == 8, "published in version 1");
_Static_assert(offsetof(bulkhead_services, log) == 16, "published in version 1");
_Static_assert(offsetof(bulkhead_services, reply) == 24, "published in version 1");
_Static_assert(offsetof(bulkhead_services, reply_buffer) == 32, "published in version 1");
_Static_assert(offsetof(bulkhead_services, commit_reply) == 40, "published in version 1");
_Static_assert(offsetof(bulkhead_services, fail) == 48, "published in version 1");
_Static_assert(offsetof(bulkhead_services, deadline) == 56, "published in version 1");
_Static_assert(offsetof(bulkhead_services, cancelled) == 64, "published in version 1");
_Static_assert(offsetof(bulkhead_services, trace_id) == 72, "published in version 1");
_Static_assert(offsetof(bulkhead_services, plugin_directory) == 80, "published in version 1");
_Static_assert(offsetof(bulkhead_services, write_state) == 88, "published in version 1");
_Static_assert(offsetof(bulkhead_services, request_checkpoint) == 96, "published in version 1");

_Static_assert(offsetof(bulkhead_method, name) == 0, "published in version 1");
_Static_assert(offsetof(bulkhead_method, flags) == 8, "published in version 1");
_Static_assert(offsetof(bulkhead_method, run) == 16, "published in version 1");

_Static_assert(offsetof(bulkhead_plugin_table, size) == 0, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, abi_version) == 8, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, method_size) == 12, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, name) == 16, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, version) == 24, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, methods) == 32, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, method_count) == 40, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, create) == 48, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, destroy) == 56, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, activate) == 64, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, deactivate) == 72, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, state_version) == 80, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, save) == 88, "published in version 1");
_Static_assert(offsetof(bulkhead_plugin_table, load) == 96, "published in version 1");
#endif
