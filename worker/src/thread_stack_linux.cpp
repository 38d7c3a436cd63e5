#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstddef>

#include "thread_stack.hpp"

namespace bulkhead::worker {
namespace {

// Of the thread's own stack. Plain, because the handler reads it in threads that were never prepared, too.
constinit thread_local StackBounds stack_bounds{0, 0};

StackBounds find_stack_bounds() noexcept {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) {
        return {};
    }
    void* low = nullptr;
    std::size_t size = 0;
    const bool known = ::pthread_attr_getstack(&attributes, &low, &size) == 0;
    ::pthread_attr_destroy(&attributes);
    const auto begin = reinterpret_cast<std::uint64_t>(low);
    return known ? StackBounds{begin, begin + size} : StackBounds{};
}

StackBounds main_stack{0, 0};  // with the limit that held then
rlim_t main_stack_limit = RLIM_INFINITY;

// The main thread's stack grows downwards as far as the limit allows now.
StackBounds main_stack_bounds() noexcept {
    rlimit now{};
    if (main_stack_limit == RLIM_INFINITY || ::getrlimit(RLIMIT_STACK, &now) != 0 || now.rlim_cur > main_stack_limit) {
        return main_stack;
    }
    return {main_stack.begin + (main_stack_limit - now.rlim_cur), main_stack.end};
}

// The stack that the handler runs on in one thread. A sanitizer may have brought one already.
class HandlerStack {
  public:
    constexpr HandlerStack() noexcept = default;
    HandlerStack(const HandlerStack&) = delete;
    HandlerStack& operator=(const HandlerStack&) = delete;
    ~HandlerStack() {
        if (memory_ == nullptr) {
            return;
        }
        stack_t current{};
        if (::sigaltstack(nullptr, &current) == 0 && current.ss_sp == memory_) {
            stack_t none{};
            none.ss_flags = SS_DISABLE;
            ::sigaltstack(&none, nullptr);
        }
        ::munmap(memory_, kSize);
    }

    void provide() noexcept {
        stack_t current{};
        if (::sigaltstack(nullptr, &current) != 0 || (current.ss_flags & SS_DISABLE) == 0) {
            return;
        }
        void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (memory == MAP_FAILED) {
            return;
        }
        stack_t stack{};
        stack.ss_sp = memory;
        stack.ss_size = kSize;
        if (::sigaltstack(&stack, nullptr) == 0) {
            memory_ = memory;
        } else {
            ::munmap(memory, kSize);
        }
    }

    // The kernel writes the registers to its end, and below that the handler works.
    void touch() noexcept {
        constexpr std::size_t kPage = 4096;
        for (std::size_t below = kPage; memory_ != nullptr && below <= kUsed; below += kPage) {
            static_cast<volatile std::byte*>(memory_)[kSize - below] = std::byte{};
        }
    }

  private:
    static constexpr std::size_t kSize = 64 * 1024;
    static constexpr std::size_t kUsed = 16 * 1024;
    void* memory_ = nullptr;
};

thread_local HandlerStack handler_stack;

}  // namespace

void note_main_stack() noexcept {
    main_stack = find_stack_bounds();
    rlimit limit{};
    if (::getrlimit(RLIMIT_STACK, &limit) == 0) {
        main_stack_limit = limit.rlim_cur;
    }
}

void provide_handler_stack() noexcept {
    handler_stack.provide();
    handler_stack.touch();
}

void prepare_thread_for_crash() noexcept {
    stack_bounds = find_stack_bounds();
    handler_stack.provide();
}

void prepare_main_thread_for_crash() noexcept {
    stack_bounds = main_stack_bounds();
    handler_stack.provide();
}

StackBounds stack_of_this_thread() noexcept { return stack_bounds; }

}  // namespace bulkhead::worker
