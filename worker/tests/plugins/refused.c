/* A plugin that a worker refuses, or that dies before it is ready: one build for each reason. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bulkhead/plugin/plugin.h"

#if defined(NEEDS_LIBRARY)
int answer_of_the_dependency(void);
#endif
#if defined(UNDEFINED_SYMBOL)
void frobnicate(void);
#endif

#if defined(CRASHING_CONSTRUCTOR)
__attribute__((constructor)) static void crash(void) { raise(SIGSEGV); }
#endif

static void run(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)call;
    (void)request;
#if defined(UNDEFINED_SYMBOL)
    frobnicate();
#endif
}

static int create(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)services;
    (void)config;
    (void)instance;
    (void)error;
#if defined(FAILING_CREATE)
    printf("looking for the licence file\n");
    error->number = 7;
    strcpy(error->text, "no licence file");
    return 1;
#elif defined(EXITING_CREATE)
    exit(3);
#elif defined(HANGING_CREATE)
    while (pause() != 0) {
    }
    return 0;
#elif defined(NEEDS_LIBRARY)
    return answer_of_the_dependency() == 42 ? 0 : 1;
#else
    return 0;
#endif
}

static void destroy(void *instance) { (void)instance; }

static int activate(void *instance, bulkhead_error *error) {
    (void)instance;
#if defined(FAILING_ACTIVATE)
    error->number = 98;
    strcpy(error->text, "the port is taken");
    return 1;
#else
    (void)error;
    return 0;
#endif
}

static const bulkhead_method methods[] = {{"run", 0, 0, run}};

static const bulkhead_plugin_table table = {
#if defined(SMALL_TABLE)
    .size = 16,
#else
    .size = sizeof(bulkhead_plugin_table),
#endif
#if defined(LATER_ABI)
    .abi_version = 99,
#else
    .abi_version = BULKHEAD_ABI_VERSION,
#endif
    .method_size = sizeof(bulkhead_method),
    .name = "refused",
    .version = "1.0.0",
    .methods = methods,
    .method_count = 1,
    .create = create,
    .destroy = destroy,
    .activate = activate,
};

#if defined(NO_ENTRY)
const bulkhead_plugin_table *bulkhead_plugin_of_another_name(void);
#define ENTRY bulkhead_plugin_of_another_name
#else
#define ENTRY bulkhead_plugin
#endif

const bulkhead_plugin_table *ENTRY(void) {
#if defined(NULL_TABLE)
    return table.size == 0 ? &table : NULL;
#else
#if defined(CRASHING_ENTRY)
    raise(SIGABRT);
#endif
    return &table;
#endif
}
