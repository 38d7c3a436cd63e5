/* A plugin with a state whose threads answer while its dispatcher is busy, or that only says so. */
#include <bulkhead/plugin/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    const bulkhead_services *services;
    atomic_int is_busy;  /* wait_for runs */
    atomic_int answered; /* by threads, meanwhile */
} self;

static int create(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)error;
    self.services = services;
    *instance = &self;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static int save(void *instance, bulkhead_state *state, bulkhead_error *error) {
    (void)instance;
    (void)error;
    return self.services->write_state(state, "state", 5);
}

static int load(void *instance, uint32_t version, bulkhead_bytes state, bulkhead_error *error) {
    (void)instance;
    (void)version;
    (void)state;
    (void)error;
    return 0;
}

static void doze(void) {
    const struct timespec millisecond = {0, 1000000};
    nanosleep(&millisecond, NULL);
}

static void *answer_when_busy(void *call) {
    while (!self.is_busy) {
        doze();
    }
    self.services->reply(call, "late", 4);
    self.answered = 1;
    return NULL;
}

/* Answered by a thread once the dispatcher is in wait_for. */
static void answer_aside(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    pthread_t thread;
    pthread_create(&thread, NULL, answer_when_busy, call);
    pthread_detach(thread);
}

/* Answers when the file that the request names is there. */
static void wait_for(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    char path[256] = "";
    memcpy(path, request.data, request.size < sizeof path ? request.size : sizeof path - 1);
    self.is_busy = 1;
    while (access(path, F_OK) != 0) {
        doze();
    }
    self.is_busy = 0;
    self.services->reply(call, self.answered ? "meanwhile" : "", self.answered ? 9 : 0);
    self.answered = 0;
}

static void *pretend_for_ever(void *word) {
    for (;;) {
        __atomic_store_n((unsigned *)word, 1, __ATOMIC_RELEASE);
        doze();
    }
    return NULL;
}

/* Never answers, but says from now on that an answer waits for a checkpoint. The request tells where in the outbox. */
static void pretend(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)call;
    char digits[16] = "";
    memcpy(digits, request.data, request.size < sizeof digits ? request.size : sizeof digits - 1);
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    char *outbox = NULL;
    while (outbox == NULL && fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, "bulkhead-worker-outbox") != NULL) {
            sscanf(line, "%p-", (void **)&outbox);
        }
    }
    fclose(maps);
    pthread_t thread;
    pthread_create(&thread, NULL, pretend_for_ever, outbox + strtoul(digits, NULL, 10));
    pthread_detach(thread);
}

static const bulkhead_method methods[] = {
    {"answer_aside", 0, 0, answer_aside},
    {"pretend", 0, 0, pretend},
    {"wait_for", 0, 0, wait_for},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "latecomer",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
    .state_version = 1,
    .save = save,
    .load = load,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
