#include <linux/futex.h>
#include <pthread.h>

#include <cstddef>
#include <cstring>

#include "death_notice.hpp"

namespace bulkhead::worker {

using transport::DeathNotice;

// The C library keeps the list of robust mutexes that a thread holds, whose heads the kernel knows; a list of our own
// would cut it off from those of the plugin. A child forked from here begins with an empty list.
static_assert(sizeof(pthread_mutex_t) <= sizeof(DeathNotice));
static_assert(offsetof(pthread_mutex_t, __data.__lock) == offsetof(DeathNotice, word));
static_assert(transport::kDispatcherDied == FUTEX_OWNER_DIED);

void arm_death_notice(DeathNotice& notice) noexcept {
    auto* mutex = reinterpret_cast<pthread_mutex_t*>(&notice);
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (::pthread_mutex_init(mutex, &attributes) == 0 && ::pthread_mutex_lock(mutex) == 0) {
        // Or the kernel sees nobody to wake.
        notice.word.fetch_or(FUTEX_WAITERS, std::memory_order_release);
    }
    ::pthread_mutexattr_destroy(&attributes);
}

}  // namespace bulkhead::worker
