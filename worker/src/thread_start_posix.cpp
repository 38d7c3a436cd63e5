// Stands before the C library's pthread_create for everything that is loaded into this process, so that each thread of
// a plugin can be recorded when it overflows its stack.
#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>
#include <new>

#include "bulkhead/plugin/plugin.h"
#include "thread_stack.hpp"

namespace {

using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

struct Start {
    void* (*function)(void*);
    void* argument;
};

void* run_thread(void* memory) {
    const Start start = *static_cast<Start*>(memory);
    delete static_cast<Start*>(memory);
    bulkhead::worker::prepare_thread_for_crash();
    return start.function(start.argument);
}

}  // namespace

extern "C" BULKHEAD_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                              void* (*function)(void*), void* argument) {
    static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
    auto* start = new (std::nothrow) Start{function, argument};
    if (start == nullptr) {
        return EAGAIN;
    }
    const int error = create(thread, attributes, run_thread, start);
    if (error != 0) {
        delete start;
    }
    return error;
}
