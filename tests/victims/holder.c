/* A plugin that keeps calls without an answer until it is told otherwise. */
#include <bulkhead/plugin/plugin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { most_held = 16 };

static struct {
    const bulkhead_services *services;
    bulkhead_call *held[most_held]; /* the dispatcher's alone */
    int count;
} self;

static int create(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)error;
    self.services = services;
    *instance = &self;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static void reply_number(bulkhead_call *call, int number) {
    char text[16];
    const int length = snprintf(text, sizeof text, "%d", number);
    self.services->reply(call, text, (size_t)length);
}

static void hold(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    if (self.count == most_held) {
        self.services->fail(call, 1, "it holds enough calls");
        return;
    }
    self.held[self.count++] = call;
}

static void held(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    reply_number(call, self.count);
}

static void let_go(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    const int count = self.count;
    for (; self.count > 0; --self.count) {
        self.services->reply(self.held[self.count - 1], "let go", 6);
    }
    reply_number(call, count);
}

static long long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void *write_to_null(void *argument) {
    const int wanted = (int)((intptr_t)argument % 10);
    const struct timespec millisecond = {0, 1000000};
    const long long end = milliseconds() + (intptr_t)argument / 10 * 100;
    while (milliseconds() < end && *(volatile int *)&self.count < wanted) {
        nanosleep(&millisecond, NULL);
    }
    *(volatile int *)NULL = 0;
    return NULL;
}

/* Never answered; a thread that has nothing to do with the call crashes, once as many calls are held as the request's
 * first digit says, or as many tenths of a second later as its second one does. */
static void crash_aside(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    hold(instance, call, request);
    const char *digits = request.data;
    const int wanted_and_tenths = request.size == 2 ? digits[0] - '0' + (digits[1] - '0') * 10 : 0;
    pthread_t thread;
    pthread_create(&thread, NULL, write_to_null, (void *)(intptr_t)wanted_and_tenths);
    pthread_detach(thread);
}

/* Gives others 3 ms to queue up behind it; then a thread crashes, and as many tenths of a millisecond later as the
 * request's digit says, while the process is dying, it answers with the number of the process. */
static void answer_late(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    const struct timespec others = {0, 3000000};
    const struct timespec late = {0, request.size == 1 ? (*(const char *)request.data - '0') * 100000L : 0};
    nanosleep(&others, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, write_to_null, (void *)0);
    pthread_detach(thread);
    nanosleep(&late, NULL);
    reply_number(call, getpid());
}

static void process(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    reply_number(call, getpid());
}

/* Keeps the dispatcher for 800 ms. */
static void doze(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    const struct timespec time = {0, 800000000};
    nanosleep(&time, NULL);
    reply_number(call, 0);
}

static const bulkhead_method methods[] = {
    {"answer_late", 0, 0, answer_late},
    {"crash_aside", BULKHEAD_METHOD_IDEMPOTENT, 0, crash_aside},
    {"doze", 0, 0, doze},
    {"held", BULKHEAD_METHOD_IDEMPOTENT, 0, held},
    {"hold", BULKHEAD_METHOD_IDEMPOTENT, 0, hold},
    {"let_go", 0, 0, let_go},
    {"process", 0, 0, process},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "holder",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
