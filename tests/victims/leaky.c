/* Each method but `tidy` leaves something behind at every call; `bulkhead check` must see what. `picky` tells which
 * field it misses and crashes on a value of it; `slow` takes its time for one request and does not look at deadlines.
 */
#include <bulkhead/plugin/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const bulkhead_services *services;
static int instance_of_all;

static void leak_memory(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    char *volatile lost = malloc(500);
    if (lost != NULL) {
        memset(lost, 1, 500);
    }
    services->reply(call, "", 0);
}

static void leak_descriptors(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    if (dup(STDIN_FILENO) < 0) {
        services->fail(call, 1, "no descriptor is left");
        return;
    }
    services->reply(call, "", 0);
}

static void *sleep_for_ever(void *nothing) {
    for (;;) {
        pause();
    }
    return nothing;
}

static void leak_threads(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    const int error = pthread_create(&thread, &attributes, sleep_for_ever, NULL);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        services->fail(call, 1, "no thread is left");
        return;
    }
    services->reply(call, "", 0);
}

static void tidy(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    void *copy = malloc(request.size + 1);
    free(copy);
    services->reply(call, request.data, request.size);
}

/* As strstr, in bytes that need not end with a zero. */
static int contains(bulkhead_bytes request, const char *text) {
    const size_t length = strlen(text);
    for (size_t at = 0; at + length <= request.size; ++at) {
        if (memcmp((const char *)request.data + at, text, length) == 0) {
            return 1;
        }
    }
    return 0;
}

static void picky(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    if (!contains(request, "\"zoom_level\":")) {
        services->fail(call, 1, "field 'zoom_level' is missing");
    } else if (contains(request, "\"zoom_level\":-")) {
        abort();
    } else {
        services->reply(call, "", 0);
    }
}

static void slow(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    if (request.size == 4 && memcmp(request.data, "4096", 4) == 0) {
        const struct timespec a_while = {.tv_sec = 0, .tv_nsec = 300 * 1000 * 1000};
        nanosleep(&a_while, NULL);
    }
    services->reply(call, "", 0);
}

static int create(const bulkhead_services *offered, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)error;
    services = offered;
    *instance = &instance_of_all;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static const bulkhead_method methods[] = {
    {"leak_memory", 0, 0, leak_memory},
    {"leak_descriptors", 0, 0, leak_descriptors},
    {"leak_threads", 0, 0, leak_threads},
    {"tidy", 0, 0, tidy},
    {"picky", 0, 0, picky},
    {"slow", 0, 0, slow},
};

static const bulkhead_plugin_table table = {
    .size = sizeof table,
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "leaky",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
