#include "crash_handler.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace bulkhead::worker {
namespace {

using transport::BlackBox;
using transport::BlackBoxRecord;
using transport::BlackBoxState;

static_assert(transport::kBlackBoxRegisters == NGREG);

constexpr std::array kFatal{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kRedZone = 128;  // below the stack pointer, used by leaf functions

// What the handler needs. Set before it is installed.
BlackBox* the_box = nullptr;
const transport::WorkerOutboxHeader* the_header = nullptr;
const SignalEvent* the_signal = nullptr;
pid_t the_process = 0;

// Of the thread's own stack. Plain, because the handler reads it in threads that were never prepared, too.
struct StackBounds {
    std::uint64_t begin;
    std::uint64_t end;
};
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

  private:
    static constexpr std::size_t kSize = 64 * 1024;  // touched only in a crash
    void* memory_ = nullptr;
};

thread_local HandlerStack handler_stack;

// Copies what can be read; EFAULT instead of a second fault. How many bytes from the first.
std::size_t copy_memory(void* to, std::uint64_t from, std::size_t size) noexcept {
    const iovec local{to, size};
    const iovec remote{reinterpret_cast<void*>(from), size};
    const ssize_t count = ::process_vm_readv(the_process, &local, 1, &remote, 1, 0);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void copy_stack(std::uint64_t pointer, BlackBox& box) noexcept {
    BlackBoxRecord& record = box.record;
    // After an overflow the pointer is below the stack: then its lowest part says most.
    std::uint64_t from = std::max(pointer - kRedZone, record.stack_begin);
    if (record.stack_end <= from) {
        from = pointer - kRedZone;  // a stack of the plugin's own making
    }
    for (int page = 0; page < 2; ++page) {
        const std::uint64_t most = record.stack_end > from
                                       ? std::min<std::uint64_t>(record.stack_end - from, sizeof box.stack)
                                       : sizeof box.stack;
        // In pages, because the kernel copies nothing of a piece that cannot be read as a whole.
        std::size_t copied = 0;
        while (copied < most) {
            const std::uint64_t address = from + copied;
            const std::size_t piece = std::min<std::uint64_t>(most - copied, kPage - address % kPage);
            const std::size_t count = copy_memory(box.stack + copied, address, piece);
            copied += count;
            if (count < piece) {
                break;
            }
        }
        record.copy_address = from;
        record.copy_length = copied;
        if (copied > 0) {
            return;
        }
        from = (from / kPage + 1) * kPage;  // the guard page itself
    }
}

void record_crash(int number, const siginfo_t& info, const ucontext_t& context) noexcept {
    BlackBoxRecord& record = the_box->record;
    record.signal = number;
    record.code = info.si_code;
    record.thread = static_cast<std::int32_t>(::syscall(SYS_gettid));
    record.fault_address = reinterpret_cast<std::uint64_t>(info.si_addr);
    record.call_id = the_header->current_call_id.load(std::memory_order_relaxed);
    record.stack_begin = stack_bounds.begin;
    record.stack_end = stack_bounds.end;
    record.heap_end = reinterpret_cast<std::uint64_t>(::sbrk(0));
    std::memcpy(record.registers, context.uc_mcontext.gregs, sizeof record.registers);
    copy_stack(record.registers[REG_RSP], *the_box);
}

void on_fatal_signal(int number, siginfo_t* info, void* context) noexcept {
    if (::getpid() == the_process) {
        auto expected = static_cast<std::uint32_t>(BlackBoxState::empty);
        const bool first =
            the_box->state.compare_exchange_strong(expected, static_cast<std::uint32_t>(BlackBoxState::writing));
        if (first) {
            record_crash(number, *info, *static_cast<ucontext_t*>(context));
            the_box->state.store(static_cast<std::uint32_t>(BlackBoxState::complete), std::memory_order_release);
            the_signal->raise();
        } else if (the_box->state.load() == static_cast<std::uint32_t>(BlackBoxState::writing)) {
            // Another thread's crash is being written down, and ends the process right after. Should that thread be
            // this one, a fault of the handler itself, the kernel has ended us already.
            for (;;) {
                ::pause();
            }
        }
    }
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    ::sigaction(number, &standard, nullptr);
    if (info->si_code <= 0 || number == SIGTRAP || number == SIGSYS) {
        ::raise(number);  // it was sent, and will not come again by itself; delivered when the handler has returned
    }
}

}  // namespace

void note_main_stack() noexcept {
    main_stack = find_stack_bounds();
    rlimit limit{};
    if (::getrlimit(RLIMIT_STACK, &limit) == 0) {
        main_stack_limit = limit.rlim_cur;
    }
}

void prepare_thread_for_crash() noexcept {
    stack_bounds = find_stack_bounds();
    handler_stack.provide();
}

void install_crash_handler(BlackBox& box, const transport::WorkerOutboxHeader& header,
                           const SignalEvent& signal) noexcept {
    the_box = &box;
    the_header = &header;
    the_signal = &signal;
    the_process = ::getpid();
    box.record.heap_begin = reinterpret_cast<std::uint64_t>(::sbrk(0));
    stack_bounds = main_stack_bounds();
    handler_stack.provide();
    struct sigaction action {};
    action.sa_sigaction = [](int number, siginfo_t* info, void* context) { on_fatal_signal(number, info, context); };
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (const int number : kFatal) {
        ::sigaddset(&action.sa_mask, number);
    }
    for (const int number : kFatal) {
        ::sigaction(number, &action, nullptr);
    }
}

}  // namespace bulkhead::worker
