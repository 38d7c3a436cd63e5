/* A plugin that reads requests and builds answers in place, and changes an answer after it was given. */
#include <bulkhead/plugin/plugin.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    const bulkhead_services *services;
    unsigned char *last; /* where the last answer was built */
    size_t size;
} self;

static int create(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)config;
    (void)error;
    self.services = services;
    *instance = &self;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

/* Each byte plus one. */
static void next(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    const unsigned char *from = request.data;
    unsigned char *to = self.services->reply_buffer(call, request.size);
    if (to == NULL && request.size > 0) {
        self.services->fail(call, 1, "there is no room for the answer");
        return;
    }
    for (size_t at = 0; at < request.size; ++at) {
        to[at] = (unsigned char)(from[at] + 1);
    }
    self.last = to;
    self.size = request.size;
    self.services->commit_reply(call, request.size);
}

/* Writes the request's first byte over all of the last answer. */
static void overwrite(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    memset(self.last, *(const unsigned char *)request.data, self.size);
    self.services->reply(call, NULL, 0);
}

static void fail(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    self.services->fail(call, 7, "as it was told");
}

static void hang(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    while (!self.services->cancelled(call)) {
        usleep(1000);
    }
    self.services->reply(call, NULL, 0);
}

static void trace(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    uint8_t id[16];
    const int traced = self.services->trace_id(call, id);
    self.services->reply(call, id, traced ? sizeof id : 0);
}

static void crash(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)call;
    (void)request;
    *(volatile int *)NULL = 0;
}

static void pid(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    char text[32];
    const int length = snprintf(text, sizeof text, "%d", (int)getpid());
    self.services->reply(call, text, (size_t)length);
}

static const bulkhead_method methods[] = {
    {"next", BULKHEAD_METHOD_IDEMPOTENT, 0, next},
    {"overwrite", 0, 0, overwrite},
    {"fail", 0, 0, fail},
    {"hang", 0, 0, hang},
    {"trace", 0, 0, trace},
    {"crash", 0, 0, crash},
    {"pid", BULKHEAD_METHOD_IDEMPOTENT, 0, pid},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "overwriter",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
