/* A plugin whose methods each use one part of the plugin ABI, for the tests of the worker that serves it. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bulkhead/plugin/plugin.h"

#define LATER_CAPACITY 4096

/* Calls that a thread of the plugin answers, in order. */
struct later_queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bulkhead_call *calls[LATER_CAPACITY];
    bulkhead_bytes requests[LATER_CAPACITY];
    size_t taken;
    size_t added;
    int held; /* 1: the thread answers nothing until it is let go */
};

static const bulkhead_services *services;
static struct later_queue queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static pthread_t later_thread;
static int later_started;
static char config_copy[256];
static bulkhead_call *answered_call;

static void reply_text(bulkhead_call *call, const char *text) { services->reply(call, text, strlen(text)); }

static void echo(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    services->reply(call, request.data, request.size);
}

static void echo_in_place(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    void *buffer = services->reply_buffer(call, request.size);
    if (buffer == NULL) {
        services->fail(call, 1, "no room");
        return;
    }
    memcpy(buffer, request.data, request.size);
    services->commit_reply(call, request.size);
}

/* The reply is the request's number of bytes. */
static void produce(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    char digits[32] = "";
    memcpy(digits, request.data, request.size < sizeof digits - 1 ? request.size : sizeof digits - 1);
    size_t size = strtoull(digits, NULL, 10);
    void *bytes = calloc(1, size + 1);
    services->reply(call, bytes, size);
    free(bytes);
}

static void fail(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    char text[8192] = "";
    memcpy(text, request.data, request.size < sizeof text - 1 ? request.size : sizeof text - 1);
    services->fail(call, -42, text);
}

static void *answer_later(void *ignored) {
    (void)ignored;
    for (;;) {
        pthread_mutex_lock(&queue.mutex);
        while (queue.taken == queue.added || queue.held) {
            pthread_cond_wait(&queue.changed, &queue.mutex);
        }
        size_t index = queue.taken++ % LATER_CAPACITY;
        bulkhead_call *call = queue.calls[index];
        bulkhead_bytes request = queue.requests[index];
        pthread_mutex_unlock(&queue.mutex);
        services->reply(call, request.data, request.size);
    }
    return NULL;
}

static void echo_later(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    pthread_mutex_lock(&queue.mutex);
    if (!later_started) {
        later_started = pthread_create(&later_thread, NULL, answer_later, NULL) == 0;
    }
    size_t index = queue.added++ % LATER_CAPACITY;
    queue.calls[index] = call;
    queue.requests[index] = request;
    pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.mutex);
}

static void hold_later(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    pthread_mutex_lock(&queue.mutex);
    queue.held = request.size > 0;
    pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.mutex);
    services->reply(call, NULL, 0);
}

static void answer_twice(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    services->reply(call, request.data, request.size);
    services->reply(call, "second", 6);
    answered_call = call;
}

/* Answers the call of answer_twice once more, while the slot may serve another call. */
static void answer_former(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    services->reply(answered_call, "third", 5);
    services->reply(call, request.data, request.size);
}

static void commit_too_much(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)services->reply_buffer(call, request.size);
    services->commit_reply(call, request.size + 1000);
}

static void log_line(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    services->log(BULKHEAD_LOG_WARNING, request.data, request.size);
    services->reply(call, NULL, 0);
}

static void print(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    printf("%.*s\n", (int)request.size, (const char *)request.data);
    services->reply(call, NULL, 0);
}

/* "deadline trace-id-or-minus cancelled directory config" */
static void describe_call(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    uint8_t id[16];
    char trace[33] = "-";
    if (services->trace_id(call, id)) {
        for (int index = 0; index < 16; ++index) {
            snprintf(trace + 2 * index, 3, "%02x", id[index]);
        }
    }
    char text[1024];
    snprintf(text, sizeof text, "%llu %s %d %s %s", (unsigned long long)services->deadline(call), trace,
             services->cancelled(call), services->plugin_directory(), config_copy);
    reply_text(call, text);
}

/* One line for each open descriptor: its number and what it is. */
static void list_descriptors(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    char text[8192] = "";
    size_t used = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[300];
        char target[300] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder)) {
            continue;
        }
        ssize_t length = readlink(path, target, sizeof target - 1);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %.*s\n", entry->d_name,
                                 (int)(length < 0 ? 0 : length), target);
    }
    closedir(folder);
    reply_text(call, text);
}

static void environment(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    extern char **environ;
    char text[2048] = "";
    for (char **variable = environ; *variable != NULL; ++variable) {
        strncat(text, *variable, sizeof text - strlen(text) - 2);
        strcat(text, "\n");
    }
    reply_text(call, text);
}

/* Leaves a process behind that nobody here is the parent of, in a session of its own. Answers with its pid. */
static void spawn_orphan(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    int ends[2];
    if (pipe(ends) != 0) {
        services->fail(call, 1, "no pipe");
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        setsid();
        pid_t orphan = fork();
        if (orphan == 0) {
            for (;;) {
                pause();
            }
        }
        ssize_t written = write(ends[1], &orphan, sizeof orphan);
        _exit(written == sizeof orphan ? 0 : 1);
    }
    pid_t orphan = 0;
    waitpid(child, NULL, 0);
    ssize_t size = read(ends[0], &orphan, sizeof orphan);
    close(ends[0]);
    close(ends[1]);
    char text[32];
    snprintf(text, sizeof text, "%d", size == sizeof orphan ? (int)orphan : 0);
    reply_text(call, text);
}

/* Starts a child of its own. Answers with its pid. */
static void spawn_child(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)request;
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    char text[32];
    snprintf(text, sizeof text, "%d", (int)child);
    reply_text(call, text);
}

static void crash(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)call;
    (void)request;
    abort();
}

static void say_goodbye(void) { printf("goodbye\n"); }

static int create(const bulkhead_services *table, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)instance;
    (void)error;
    services = table;
    memcpy(config_copy, config.data, config.size < sizeof config_copy - 1 ? config.size : sizeof config_copy - 1);
    return atexit(say_goodbye);
}

static void destroy(void *instance) {
    (void)instance;
    printf("destroyed\n");
}

static int activate(void *instance, bulkhead_error *error) {
    (void)instance;
    (void)error;
    printf("activated\n");
    return 0;
}

static void deactivate(void *instance) {
    (void)instance;
    printf("deactivated\n");
}

static const bulkhead_method methods[] = {
    {"echo", BULKHEAD_METHOD_IDEMPOTENT, 0, echo},
    {"echo_in_place", 0, 0, echo_in_place},
    {"produce", 0, 0, produce},
    {"fail", 0, 0, fail},
    {"echo_later", 0, 0, echo_later},
    {"hold_later", 0, 0, hold_later},
    {"answer_twice", 0, 0, answer_twice},
    {"answer_former", 0, 0, answer_former},
    {"commit_too_much", 0, 0, commit_too_much},
    {"log_line", 0, 0, log_line},
    {"print", 0, 0, print},
    {"describe_call", 0, 0, describe_call},
    {"list_descriptors", 0, 0, list_descriptors},
    {"environment", 0, 0, environment},
    {"spawn_orphan", 0, 0, spawn_orphan},
    {"spawn_child", 0, 0, spawn_child},
    {"crash", 0, 0, crash},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "versatile",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
    .activate = activate,
    .deactivate = deactivate,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
