/* Drives a plugin written in C from a worker written in C: the ABI needs nothing else. */
#include <bulkhead/plugin/plugin.h>
#include <stdio.h>
#include <string.h>

struct bulkhead_call {
    int answers;
    unsigned char reply[16];
    size_t reply_size;
    int32_t number;
};

static int failures = 0;

static void check(int holds, const char *sentence) {
    if (!holds) {
        ++failures;
        fprintf(stderr, "does not hold: %s\n", sentence);
    }
}

static void take_log(bulkhead_log_level level, const char *text, size_t length) {
    fprintf(stderr, "log %d: %.*s\n", (int)level, (int)length, text);
}

static void take_reply(bulkhead_call *call, const void *data, size_t size) {
    ++call->answers;
    call->reply_size = size;
    if (size <= sizeof(call->reply)) {
        memcpy(call->reply, data, size);
    }
}

static void take_failure(bulkhead_call *call, int32_t number, const char *text) {
    ++call->answers;
    call->number = number;
    fprintf(stderr, "failed: %d %s\n", (int)number, text);
}

static const bulkhead_services services = {
    .size = sizeof(bulkhead_services),
    .abi_version = BULKHEAD_ABI_VERSION,
    .log = take_log,
    .reply = take_reply,
    .fail = take_failure,
};

/* As a worker does it: a newer plugin's methods may be longer than ours. */
static const bulkhead_method *method_at(const bulkhead_plugin_table *table, size_t index) {
    return (const bulkhead_method *)(const void *)((const char *)table->methods + index * table->method_size);
}

int main(void) {
    const bulkhead_plugin_function entry = bulkhead_plugin;
    const bulkhead_plugin_table *table = entry();
    if (table == NULL) {
        fprintf(stderr, "the entry returns no table\n");
        return 1;
    }
    check(table->abi_version == BULKHEAD_ABI_VERSION, "the table tells its ABI version");
    check(table->size >= sizeof(bulkhead_plugin_table), "the table tells its size");
    check(table->method_size >= sizeof(bulkhead_method), "the table tells the size of a method");
    check(strcmp(table->name, "checksum") == 0 && strcmp(table->version, "1.0.0") == 0, "the table names the plugin");
    check(table->method_count == 1, "the plugin has one method");
    check(table->activate == NULL && table->deactivate == NULL, "what is not needed may be left out");

    const bulkhead_method *method = method_at(table, 0);
    check(strcmp(method->name, "checksum") == 0, "the method has its name");
    check(method->flags == BULKHEAD_METHOD_IDEMPOTENT, "the method is idempotent");

    void *instance = NULL;
    bulkhead_error error = {0};
    const bulkhead_bytes config = {"{}", 2};
    check(table->create(&services, config, &instance, &error) == 0, "an instance is made");
    check(instance != NULL, "the instance is handed out");

    const bulkhead_bytes request = {"abc", 3};
    bulkhead_call call = {0};
    method->run(instance, &call, request);
    check(call.answers == 1, "a call is answered exactly once");
    check(call.reply_size == 4 && memcmp(call.reply, "\xAB\x02\0\0", 4) == 0, "the reply is the checksum");

    const bulkhead_bytes nothing = {NULL, 0};
    bulkhead_call empty = {0};
    method->run(instance, &empty, nothing);
    check(empty.answers == 1 && empty.reply_size == 4, "an empty request is a request");
    check(memcmp(empty.reply, "\0\0\0\0", 4) == 0, "the checksum of nothing is 0");

    table->destroy(instance);
    return failures == 0 ? 0 : 1;
}
