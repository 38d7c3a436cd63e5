/* A plugin that counts, and whose count must survive it. Its config names what goes wrong:
 * "refuse_load", "crash_in_load", "grow_in_load" (a file, to 1 GiB), "fail_save", "crash_in_save", "exit_in_save" (with
 * code 7); "create_ms":N, "save_ms":N,
 * "load_ms":N have create, save or load take so long, "exit_ms":N has it exit with code 0 after that time. If its
 * environment has a KEEPER_TRAP, a crash in load leaves a file there, and where one is, create crashes. Where its
 * environment's KEEPER_DEAF is a file, it blocks all signals and has create take as many milliseconds as that says. */
#include <bulkhead/plugin/plugin.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
    const bulkhead_services *services;
    pthread_mutex_t mutex; /* answers come from threads too */
    long long count;
    size_t padding; /* bytes that the state has beside the count */
    int refuse_load, crash_in_load, grow_in_load, fail_save, crash_in_save, exit_in_save;
    long save_ms, load_ms;
    pthread_t main; /* where it was created */
    int saves;
    int is_inside; /* a method runs */
} self = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int contains(bulkhead_bytes text, const char *word) {
    return memmem(text.data, text.size, word, strlen(word)) != NULL;
}

static void doze_for(long milliseconds) {
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static long number_after(bulkhead_bytes text, const char *word) {
    const char *found = memmem(text.data, text.size, word, strlen(word));
    char digits[16] = "";
    if (found != NULL) {
        found += strlen(word);
        const size_t left = (size_t)((const char *)text.data + text.size - found);
        memcpy(digits, found, left < sizeof digits ? left : sizeof digits - 1);
    }
    return strtol(digits, NULL, 10);
}

static void doze_deaf(void) {
    const char *path = getenv("KEEPER_DEAF");
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    char digits[16] = "";
    if (file != NULL && fgets(digits, sizeof digits, file) != NULL) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        doze_for(strtol(digits, NULL, 10));
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void *exit_later(void *milliseconds) {
    doze_for((long)milliseconds);
    exit(0);
}

static int create(const bulkhead_services *services, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)error;
    const char *trap = getenv("KEEPER_TRAP");
    if (trap != NULL && access(trap, F_OK) == 0) {
        raise(SIGSEGV);
    }
    self.services = services;
    self.refuse_load = contains(config, "refuse_load");
    self.crash_in_load = contains(config, "crash_in_load");
    self.grow_in_load = contains(config, "grow_in_load");
    self.fail_save = contains(config, "fail_save");
    self.crash_in_save = contains(config, "crash_in_save");
    self.exit_in_save = contains(config, "exit_in_save");
    self.save_ms = number_after(config, "\"save_ms\":");
    self.load_ms = number_after(config, "\"load_ms\":");
    self.main = pthread_self();
    doze_for(number_after(config, "\"create_ms\":"));
    doze_deaf();
    const long exit_ms = number_after(config, "\"exit_ms\":");
    if (exit_ms > 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exit_later, (void *)exit_ms);
        pthread_detach(thread);
    }
    *instance = &self;
    return 0;
}

static void destroy(void *instance) { (void)instance; }

static int save(void *instance, bulkhead_state *state, bulkhead_error *error) {
    (void)instance;
    if (self.fail_save) {
        snprintf(error->text, sizeof error->text, "it does not want to");
        return 1;
    }
    if (self.is_inside || !pthread_equal(pthread_self(), self.main)) {
        snprintf(error->text, sizeof error->text, "this is no quiet point");
        return 1;
    }
    ++self.saves;
    if (self.crash_in_save) {
        raise(SIGSEGV);
    }
    if (self.exit_in_save) {
        _exit(7);
    }
    doze_for(self.save_ms);
    pthread_mutex_lock(&self.mutex);
    const long long count = self.count;
    pthread_mutex_unlock(&self.mutex);
    int result = self.services->write_state(state, &count, sizeof count);
    static const char zeros[4096];
    for (size_t left = self.padding; left > 0 && result == 0;) {
        const size_t piece = left < sizeof zeros ? left : sizeof zeros;
        result = self.services->write_state(state, zeros, piece);
        left -= piece;
    }
    return result;
}

static int load(void *instance, uint32_t version, bulkhead_bytes state, bulkhead_error *error) {
    (void)instance;
    if (self.load_ms > 0) {
        self.services->log(BULKHEAD_LOG_INFO, "it loads", strlen("it loads"));
        doze_for(self.load_ms);
    }
    if (self.crash_in_load) {
        const char *trap = getenv("KEEPER_TRAP");
        if (trap != NULL) {
            fclose(fopen(trap, "we"));
        }
        raise(SIGSEGV);
    }
    if (self.grow_in_load && ftruncate(memfd_create("large", MFD_CLOEXEC), 1 << 30) != 0) {
        snprintf(error->text, sizeof error->text, "nothing can grow here");
        return 1;
    }
    if (self.refuse_load || version != 3 || state.size < sizeof self.count) {
        snprintf(error->text, sizeof error->text, "a state of version %u and %zu bytes is not to its taste", version,
                 state.size);
        return 1;
    }
    memcpy(&self.count, state.data, sizeof self.count);
    return 0;
}

static long long number_in(bulkhead_bytes request) {
    char text[32] = "";
    memcpy(text, request.data, request.size < sizeof text ? request.size : sizeof text - 1);
    return strtoll(text, NULL, 10);
}

static long long add_number(long long number) {
    pthread_mutex_lock(&self.mutex);
    const long long count = self.count += number;
    pthread_mutex_unlock(&self.mutex);
    return count;
}

static void reply_number(bulkhead_call *call, long long number) {
    char text[32];
    const int length = snprintf(text, sizeof text, "%lld", number);
    self.services->reply(call, text, (size_t)length);
}

static void add(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    reply_number(call, add_number(number_in(request)));
}

static void get(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)request;
    reply_number(call, add_number(0));
}

/* The change is made, the answer given, and nothing of it leaves the process. */
static void add_and_die(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    add(instance, call, request);
    kill(getpid(), SIGKILL);
}

struct later {
    bulkhead_call *call;
    long long number;
};

static void *answer_later(void *argument) {
    struct later *later = argument;
    reply_number(later->call, add_number(later->number));
    free(later);
    return NULL;
}

static void add_later(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    struct later *later = malloc(sizeof *later);
    *later = (struct later){call, number_in(request)};
    pthread_t thread;
    pthread_create(&thread, NULL, answer_later, later);
    pthread_detach(thread);
}

static void die(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    kill(getpid(), SIGKILL);
}

static void crash(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    *(volatile int *)NULL = 0;
}

static char *outbox_address(void) {
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    char *begin = NULL;
    while (begin == NULL && fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, "bulkhead-worker-outbox") != NULL) {
            sscanf(line, "%p-", (void **)&begin);
        }
    }
    fclose(maps);
    return begin;
}

/* The host believes that another thread crashes, until the file is there: then the call is answered after all. The
 * request tells where in the outbox the crash is announced and where the host's bell is, and the file. */
static void add_as_if_crashing(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    unsigned long crashing = 0, bell = 0;
    char text[256] = "", path[200] = "";
    memcpy(text, request.data, request.size < sizeof text ? request.size : sizeof text - 1);
    sscanf(text, "%lu %lu %199s", &crashing, &bell, path);
    const long long count = add_number(1);
    char *outbox = outbox_address();
    __atomic_store_n((unsigned *)(outbox + crashing), 2, __ATOMIC_RELEASE);
    __atomic_fetch_add((unsigned *)(outbox + bell), 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, outbox + bell, FUTEX_WAKE, 1, NULL, NULL, 0);
    while (access(path, F_OK) != 0) {
        doze_for(1);
    }
    reply_number(call, count);
}

/* All that it ever told the host is gone, and so is the process. */
static void wreck(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    while (fgets(line, sizeof line, maps) != NULL) {
        char *begin, *end;
        if (strstr(line, "bulkhead-worker-outbox") == NULL ||
            sscanf(line, "%p-%p", (void **)&begin, (void **)&end) != 2) {
            continue;
        }
        for (unsigned char touched; begin < end; begin += 4096) {
            if (mincore(begin, 4096, &touched) == 0 && (touched & 1) != 0) {
                memset(begin, 0, 4096);
            }
        }
    }
    kill(getpid(), SIGKILL);
}

static void leave(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    (void)call;
    exit((int)number_in(request));
}

static void pad(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    self.padding = (size_t)number_in(request);
    reply_number(call, 0);
}

static void checkpoint(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)request;
    self.services->request_checkpoint();
    reply_number(call, 0);
}

/* Asks for a checkpoint from a thread, stays until it would be there if a method did not keep it off, and says how many
 * there were meanwhile. */
static void *ask_for_checkpoint(void *argument) {
    (void)argument;
    self.services->request_checkpoint();
    return NULL;
}

static void checkpoint_aside(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    const int before = self.saves;
    self.is_inside = 1;
    pthread_t thread;
    pthread_create(&thread, NULL, ask_for_checkpoint, NULL);
    pthread_join(thread, NULL);
    doze_for((long)number_in(request));
    self.is_inside = 0;
    reply_number(call, self.saves - before);
}

static void saves(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)request;
    reply_number(call, self.saves);
}

static void doze(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    self.is_inside = 1;
    doze_for((long)number_in(request));
    self.is_inside = 0;
    reply_number(call, 0);
}

/* Answers when the file that the request names is there. */
static void wait_for(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance;
    char path[256] = "";
    memcpy(path, request.data, request.size < sizeof path ? request.size : sizeof path - 1);
    self.is_inside = 1;
    while (access(path, F_OK) != 0) {
        doze_for(1);
    }
    self.is_inside = 0;
    reply_number(call, 0);
}

/* Returns, and never answers. */
static void stay_open(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
}

static void crash_at(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    if (add_number(0) == number_in(request)) {
        crash(instance, call, request);
    }
    reply_number(call, add_number(0));
}

static void pid(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)request;
    reply_number(call, getpid());
}

static const bulkhead_method methods[] = {
    {"add", 0, 0, add},
    {"add_and_die", 0, 0, add_and_die},
    {"add_as_if_crashing", 0, 0, add_as_if_crashing},
    {"add_later", 0, 0, add_later},
    {"checkpoint", 0, 0, checkpoint},
    {"checkpoint_aside", 0, 0, checkpoint_aside},
    {"crash", 0, 0, crash},
    {"crash_at", 0, 0, crash_at},
    {"crash_idempotent", BULKHEAD_METHOD_IDEMPOTENT, 0, crash},
    {"die", 0, 0, die},
    {"doze", 0, 0, doze},
    {"exit", 0, 0, leave},
    {"get", BULKHEAD_METHOD_IDEMPOTENT, 0, get},
    {"pad", 0, 0, pad},
    {"pid", BULKHEAD_METHOD_IDEMPOTENT, 0, pid},
    {"saves", BULKHEAD_METHOD_IDEMPOTENT, 0, saves},
    {"stay_open", 0, 0, stay_open},
    {"wait_for", 0, 0, wait_for},
    {"wreck", 0, 0, wreck},
};

static const bulkhead_plugin_table table = {
    .size = sizeof(bulkhead_plugin_table),
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "keeper",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .destroy = destroy,
    .state_version = 3,
    .save = save,
    .load = load,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
