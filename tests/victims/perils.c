/* Each method dies or hangs in a way of its own, some functions deep, so that tests can see what a report makes of it.
 * Config: {"crash_in": "create", "deactivate", "destroy" or "atexit"}; "parent", which kills the parent while it is
 * created; or {"hang_in": "exit"}.
 */
#include <bulkhead/plugin/plugin.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* A sanitizer would end the process in its own way, before the fault is one. */
#define UNSANITIZED __attribute__((no_sanitize("undefined"), no_sanitize("address")))
#define DEEP __attribute__((noinline, noclone)) UNSANITIZED

static const bulkhead_services *services;
static int instance_of_all;
static int crashes_in_deactivate;
static int crashes_in_destroy;
static volatile int after; /* changed after each call, so that no call is the last thing a function does */

DEEP static void write_to_null(void) {
    volatile uintptr_t nowhere = 0;
    *(volatile int *)nowhere = 1;
}

DEEP static void call_nothing(void) {
    void (*volatile nothing)(void) = NULL;
    nothing();
    ++after;
}

static void null_call(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    call_nothing();
    ++after;
}

DEEP static void give_up(void) { abort(); }

static void abort_deep(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    give_up();
    ++after;
}

static int compare_badly(const void *one, const void *other) {
    (void)one, (void)other;
    write_to_null();
    return ++after;
}

static void crash_in_sort(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    int numbers[] = {2, 1};
    qsort(numbers, 2, sizeof numbers[0], compare_badly);
    ++after;
}

static void crash_in_handler(int number) {
    (void)number;
    write_to_null();
    ++after;
}

static void crash_in_signal(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    signal(SIGUSR1, crash_in_handler);
    raise(SIGUSR1);
    ++after;
}

static void ignore_fault(int number) { (void)number; }

/* The fault comes again for ever. */
UNSANITIZED static void loop_in_handler(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    signal(SIGSEGV, ignore_fault);
    write_to_null();
    ++after;
}

DEEP static void spin(void) {
    for (;;) {
        ++after;
    }
}

static void hang_deep(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    spin();
    ++after;
}

static void hang_deaf(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    spin();
    ++after;
}

static void stop_itself(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    raise(SIGSTOP);
    spin();
}

/* Under limits.address_space. */
static void use_up_memory(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    for (size_t size = (size_t)64 << 20; size >= 4096;) {
        if (mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
            size /= 2;
        }
    }
    abort();
}

/* getppid is answered as `action` says from now on. */
static void forbid_getppid(uint32_t action) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void forbidden_trap(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    forbid_getppid(SECCOMP_RET_TRAP);
    syscall(SYS_getppid);
}

static void forbidden_kill(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    forbid_getppid(SECCOMP_RET_KILL_PROCESS);
    syscall(SYS_getppid);
}

/* A mapping beyond the end of its file. */
static void read_beyond_file(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    const int file = memfd_create("empty", MFD_CLOEXEC);
    volatile char *bytes = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    after += bytes[0];
}

static void make_large_file(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    after += ftruncate(memfd_create("large", MFD_CLOEXEC), 1 << 30);
}

DEEP static void crash_over_there(void) {
    write_to_null();
    ++after;
}

/* As fibers and coroutines do. */
static void crash_on_own_stack(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    static ucontext_t here, there;
    const size_t size = 256 * 1024;
    getcontext(&there);
    there.uc_stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    there.uc_stack.ss_size = size;
    there.uc_link = &here;
    makecontext(&there, crash_over_there, 0);
    swapcontext(&here, &there);
}

static void *crash_in_thread(void *nothing) {
    write_to_null();
    return nothing;
}

/* Answers first: the thread crashes while no call runs. */
static void crash_while_idle(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)request;
    services->reply(call, "", 0);
    pthread_t thread;
    pthread_create(&thread, NULL, crash_in_thread, NULL);
    pthread_detach(thread);
}

static void wait_for_good(void) {
    for (;;) {
        pause();
    }
}

static int is_in_config(bulkhead_bytes config, const char *word) {
    const size_t length = strlen(word);
    for (size_t at = 0; at + length <= config.size; ++at) {
        if (memcmp((const char *)config.data + at, word, length) == 0) {
            return 1;
        }
    }
    return 0;
}

static int create(const bulkhead_services *offered, bulkhead_bytes config, void **instance, bulkhead_error *error) {
    (void)error;
    services = offered;
    *instance = &instance_of_all;
    crashes_in_deactivate = is_in_config(config, "deactivate");
    crashes_in_destroy = is_in_config(config, "destroy");
    if (is_in_config(config, "hang_in")) {
        atexit(wait_for_good);
    }
    if (is_in_config(config, "atexit")) {
        atexit(write_to_null);
    }
    if (is_in_config(config, "parent")) {
        kill(getppid(), SIGKILL);
        pause();
    }
    if (is_in_config(config, "create")) {
        write_to_null();
    }
    return 0;
}

static void deactivate(void *instance) {
    (void)instance;
    if (crashes_in_deactivate) {
        write_to_null();
        ++after;
    }
}

static void destroy(void *instance) {
    (void)instance;
    if (crashes_in_destroy) {
        write_to_null();
        ++after;
    }
}

static void *sleep_for_good(void *nothing) {
    wait_for_good();
    return nothing;
}

/* The thread that plugins are called on ends, and the process lives on. */
static void end_dispatcher(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_for_good, NULL);
    syscall(SYS_exit, 0);
}

/* A process that it started traces it, and never asks what became of it: so nobody else gets its exit status. */
static void crash_while_traced(void *instance, bulkhead_call *call, bulkhead_bytes request) {
    (void)instance, (void)call, (void)request;
    const pid_t self = getpid();
    int pair[2];
    char result = 1;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* where Yama would have it the other way round only */
    if (pipe(pair) == 0 && fork() == 0) {
        const char failed = ptrace(PTRACE_SEIZE, self, NULL, NULL) != 0;
        after += write(pair[1], &failed, 1) == 1;
        sleep_for_good(NULL);
    }
    if (read(pair[0], &result, 1) != 1 || result != 0) {
        services->fail(call, 1, "it cannot be traced");
        return;
    }
    write_to_null();
}

static const bulkhead_method methods[] = {
    {"null_call", 0, 0, null_call},
    {"abort", 0, 0, abort_deep},
    {"crash_in_sort", 0, 0, crash_in_sort},
    {"crash_in_signal", 0, 0, crash_in_signal},
    {"loop_in_handler", 0, 0, loop_in_handler},
    {"hang", 0, 0, hang_deep},
    {"hang_deaf", 0, 0, hang_deaf},
    {"stop_itself", 0, 0, stop_itself},
    {"use_up_memory", 0, 0, use_up_memory},
    {"forbidden_trap", 0, 0, forbidden_trap},
    {"forbidden_kill", 0, 0, forbidden_kill},
    {"read_beyond_file", 0, 0, read_beyond_file},
    {"make_large_file", 0, 0, make_large_file},
    {"crash_while_idle", 0, 0, crash_while_idle},
    {"crash_on_own_stack", 0, 0, crash_on_own_stack},
    {"end_dispatcher", 0, 0, end_dispatcher},
    {"crash_while_traced", 0, 0, crash_while_traced},
};

static const bulkhead_plugin_table table = {
    .size = sizeof table,
    .abi_version = BULKHEAD_ABI_VERSION,
    .method_size = sizeof(bulkhead_method),
    .name = "perils",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .deactivate = deactivate,
    .destroy = destroy,
};

const bulkhead_plugin_table *bulkhead_plugin(void) { return &table; }
