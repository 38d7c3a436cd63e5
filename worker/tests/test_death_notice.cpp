// The kernel's own word of a dispatcher's death.
#include "death_notice.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <new>

#include "bulkhead/transport/waiting.hpp"
#include "support/processes.hpp"

namespace bulkhead::worker::test {
namespace {

using transport::DeathNotice;

// In memory that is shared with children.
class SharedNotice {
  public:
    SharedNotice()
        : memory_(::mmap(nullptr, sizeof(DeathNotice), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        REQUIRE(memory_ != MAP_FAILED);
        new (memory_) DeathNotice{};
    }
    ~SharedNotice() { ::munmap(memory_, sizeof(DeathNotice)); }
    SharedNotice(const SharedNotice&) = delete;
    SharedNotice& operator=(const SharedNotice&) = delete;

    DeathNotice& operator*() const { return *static_cast<DeathNotice*>(memory_); }
    bool tells_of_death() const { return ((**this).word.load() & transport::kDispatcherDied) != 0; }

    // As the host's reader waits. False: nobody woke it within the tests' patience.
    bool await_death() const {
        const std::atomic<std::uint32_t> silent{0};
        const auto deadline = patience();
        while (!tells_of_death() && std::chrono::steady_clock::now() < deadline) {
            const std::uint32_t seen = (**this).word.load();
            if ((seen & transport::kDispatcherDied) == 0) {
                transport::futex_wait_any({silent, 0}, {silent, 0}, {(**this).word, seen}, deadline);
            }
        }
        return tells_of_death() && std::chrono::steady_clock::now() < deadline;
    }

  private:
    void* memory_;
};

// A child that arms the notice and then does as it is told. Killed and reaped in the end.
class Dispatcher {
  public:
    Dispatcher(const SharedNotice& notice, const std::function<void()>& then) {
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            arm_death_notice(*notice);
            [[maybe_unused]] const ssize_t told = ::write(ready[1], "", 1);
            then();
            ::_exit(0);
        }
        ::close(ready[1]);
        char byte = 1;
        CHECK(::read(ready[0], &byte, 1) == 1);
        ::close(ready[0]);
    }
    ~Dispatcher() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = 0;
};

void sleep_for_good() {
    for (;;) {
        ::pause();
    }
}

TEST_CASE("a dispatcher that is killed leaves a death notice, and who waits for it is woken") {
    const SharedNotice notice;
    const Dispatcher dispatcher(notice, sleep_for_good);
    CHECK_FALSE(notice.tells_of_death());
    REQUIRE(::kill(dispatcher.pid(), SIGKILL) == 0);
    CHECK(notice.await_death());
}

TEST_CASE("a dispatcher that exits leaves a death notice") {
    const SharedNotice notice;
    const Dispatcher dispatcher(notice, [] { ::_exit(3); });
    CHECK(notice.await_death());
}

TEST_CASE("a dispatcher thread that ends leaves a death notice although its process lives on") {
    const SharedNotice notice;
    const Dispatcher dispatcher(notice, [] {
        pthread_t other{};
        ::pthread_create(
            &other, nullptr,
            [](void*) -> void* {
                sleep_for_good();
                return nullptr;
            },
            nullptr);
        ::syscall(SYS_exit, 0);
    });
    CHECK(notice.await_death());
    CHECK(::waitpid(dispatcher.pid(), nullptr, WNOHANG) == 0);
}

TEST_CASE("what a dispatcher forks can end without a death notice") {
    const SharedNotice notice;
    const SharedNotice after;  // armed by nobody; its word says that the child is gone
    const Dispatcher dispatcher(notice, [&] {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(0);
        }
        ::waitpid(child, nullptr, 0);
        transport::ring_bell((*after).word);
        sleep_for_good();
    });
    const auto deadline = patience();
    while ((*after).word.load() == 0 && std::chrono::steady_clock::now() < deadline) {
        transport::futex_wait((*after).word, 0, deadline);
    }
    CHECK((*after).word.load() == 1);
    CHECK_FALSE(notice.tells_of_death());
    REQUIRE(::kill(dispatcher.pid(), SIGKILL) == 0);
    CHECK(notice.await_death());
}

TEST_CASE("robust mutexes of a plugin's own keep working beside the death notice") {
    const SharedNotice notice;
    void* memory = ::mmap(nullptr, sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    auto* own = static_cast<pthread_mutex_t*>(memory);
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    REQUIRE(::pthread_mutex_init(own, &attributes) == 0);
    {
        const Dispatcher dispatcher(notice, [own] {
            ::pthread_mutex_lock(own);
            ::pthread_mutex_unlock(own);
            ::pthread_mutex_lock(own);
            ::_exit(0);
        });
        CHECK(notice.await_death());
    }
    CHECK(::pthread_mutex_lock(own) == EOWNERDEAD);
    ::pthread_mutex_consistent(own);
    ::pthread_mutex_unlock(own);
    ::munmap(memory, sizeof(pthread_mutex_t));
}

}  // namespace
}  // namespace bulkhead::worker::test
