#include "crash_handler.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "bulkhead/transport/launch_protocol.hpp"
#include "bulkhead/transport/waiting.hpp"
#include "modules.hpp"
#include "own_memory.hpp"
#include "thread_stack.hpp"
#include "time_slice.hpp"
#include "uncaught_exception.hpp"

namespace bulkhead::worker {
namespace {

using transport::BlackBox;
using transport::BlackBoxRecord;
using transport::BlackBoxState;

static_assert(transport::kBlackBoxRegisters == NGREG);

#if defined(__SANITIZE_THREAD__)  // holds back what is no fault until the program calls it, which a loop never does
constexpr std::array kFatal{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
#else
constexpr std::array kFatal{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGXCPU, SIGXFSZ};
#endif
constexpr std::size_t kPage = 4096;
constexpr timespec kPause{0, 100'000};
constexpr int kMostPauses = 10;
constexpr std::uint64_t kOverflowRoom = std::uint64_t{1} << 20;  // what the kernel keeps free below the main stack
constexpr std::uint64_t kRedZone = 128;                          // below the stack pointer, used by leaf functions

// What the handler needs. Set before it is installed.
BlackBox* the_box = nullptr;
transport::WorkerOutboxHeader* the_header = nullptr;
const SignalEvent* the_signal = nullptr;
const transport::HostOutboxView* the_host = nullptr;
const transport::WorkerCell* the_cell = nullptr;
pid_t the_process = 0;
std::atomic<bool> crash_is_recorded{false};
std::atomic<bool> hang_is_recorded{false};  // and no crash yet

void copy_stack(std::uint64_t pointer, BlackBox& box) noexcept {
    BlackBoxRecord& record = box.record;
    // After an overflow the pointer is a little below the stack: then its lowest part says most. Far below, or above,
    // it is in a stack of the plugin's own making.
    std::uint64_t from = std::max(pointer - kRedZone, record.stack_begin);
    const bool is_own_making = record.stack_end <= from || pointer + kOverflowRoom < record.stack_begin;
    if (is_own_making) {
        from = pointer - kRedZone;
    }
    for (int page = 0; page < 2; ++page) {
        const std::uint64_t most = record.stack_end > from && !is_own_making
                                       ? std::min<std::uint64_t>(record.stack_end - from, sizeof box.stack)
                                       : sizeof box.stack;
        // In pages, because the kernel copies nothing of a piece that cannot be read as a whole.
        std::size_t copied = 0;
        while (copied < most) {
            const std::uint64_t address = from + copied;
            const std::size_t piece = std::min<std::uint64_t>(most - copied, kPage - address % kPage);
            const std::size_t count = copy_own_memory(box.stack + copied, address, piece);
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

// Whether not even a little memory can be had any more.
bool address_space_is_used_up() noexcept {
    constexpr std::size_t kLittle = std::size_t{1} << 20;
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return false;
    }
    void* memory = ::mmap(nullptr, kLittle, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return errno == ENOMEM;
    }
    ::munmap(memory, kLittle);
    return false;
}

pid_t this_thread() noexcept { return static_cast<pid_t>(::syscall(SYS_gettid)); }

void record(int number, const siginfo_t& info, const ucontext_t& context) noexcept {
    BlackBoxRecord& record = the_box->record;
    record.signal = number;
    record.code = info.si_code;
    record.thread = this_thread();
    record.fault_address = reinterpret_cast<std::uint64_t>(info.si_addr);
    record.call_id = the_header->current_call_id.load(std::memory_order_relaxed);
    const StackBounds stack = stack_of_this_thread();
    record.stack_begin = stack.begin;
    record.stack_end = stack.end;
    record.heap_end = reinterpret_cast<std::uint64_t>(::sbrk(0));
    std::memcpy(record.registers, context.uc_mcontext.gregs, sizeof record.registers);
    copy_stack(record.registers[REG_RSP], *the_box);
    if (address_space_is_used_up()) {
        record.flags |= transport::kAddressSpaceUsedUp;
    }
    note_late_modules(record);
}

// Only who has the box may write to it. A hang's record gives way to a crash's.
bool take_box() noexcept {
    constexpr auto kWriting = static_cast<std::uint32_t>(BlackBoxState::writing);
    auto expected = static_cast<std::uint32_t>(BlackBoxState::empty);
    if (the_box->state.compare_exchange_strong(expected, kWriting)) {
        return true;
    }
    expected = static_cast<std::uint32_t>(BlackBoxState::complete);
    return hang_is_recorded.load() && the_box->state.compare_exchange_strong(expected, kWriting);
}

void close_box() noexcept {
    the_box->state.store(static_cast<std::uint32_t>(BlackBoxState::complete), std::memory_order_release);
    the_signal->raise_without_waiting();
}

// False: none reads, or is known to. The other half of the rule that loses no wake-up: first `crashing`, then this
// look.
bool wake_reading_caller() noexcept {
    transport::full_fence();
    switch (the_cell->host_waits.load(std::memory_order_relaxed)) {
        case transport::kHostParked:
            transport::ring_bell(the_header->bell);
            return true;
        case transport::kHostLooks:  // with its own eyes
            return true;
        default:
            return false;
    }
}

// The cell of who is to take over from us: the youngest's, for cells of the dead are not cleared. Null: there is none
// yet, or it may only begin when this process is dead.
const transport::WorkerCell* cell_of_successor() noexcept {
    if ((the_header->traits & transport::kHasActivate) != 0) {
        return nullptr;
    }
    const transport::WorkerCell* successor = nullptr;
    std::uint32_t youngest = the_header->incarnation;
    for (std::uint32_t index = 0; index < transport::kWorkerCells; ++index) {
        const transport::WorkerCell& cell = the_host->worker_cell(index);
        if (const std::uint32_t incarnation = cell.incarnation.load(std::memory_order_relaxed);
            incarnation > youngest) {
            youngest = incarnation;
            successor = &cell;
        }
    }
    return successor;
}

// Who stands by will hear from the host, and looks out for that for a while (Dispatcher::stand_by).
void wake_standby() noexcept {
    if (const transport::WorkerCell* const successor = cell_of_successor()) {
        transport::futex_wake(successor->bell);
    }
}

// What this process still has to do is for the report, and for who waits for the running call; the kernel then takes a
// core for a quarter of a millisecond, in one piece, to end it. What serves instead goes first: until it is ready, was
// told to start, and had a pause to answer in, and whenever it wakes. Neither a yield nor a lower priority would do:
// the one does nothing for who has slept long before, the other makes those wait whose calls end with this process. The
// supervisor hears of it after the first pause: a caller that reads needs none, which would only be in its way; but
// between two calls nobody reads.
void make_way(bool supervisor_knows) noexcept {
    set_time_slice(TimeSlice::longest);
    bool serves = false;
    for (int pause = 0; pause < kMostPauses; ++pause) {
        ::nanosleep(&kPause, nullptr);
        if (!std::exchange(supervisor_knows, true)) {
            the_signal->raise_without_waiting();
        }
        const transport::WorkerCell* const successor = cell_of_successor();
        if (successor == nullptr || serves) {
            return;
        }
        serves = successor->seen_ready.load(std::memory_order_relaxed) != 0 &&
                 successor->start.load(std::memory_order_relaxed) != transport::kNoPosition;
    }
}

// The host's first news of the death. False: another thread was faster.
bool announce_crash() noexcept {
    std::uint32_t nobody = 0;
    const std::uint32_t who = this_thread() == the_process ? 1 : 2;
    if (!the_header->crashing.compare_exchange_strong(nobody, who, std::memory_order_release)) {
        return false;
    }
    // Who stands by may wake on this very core and take it, so it is woken after who decides.
    const bool caller_reads = wake_reading_caller();
    if (!caller_reads) {
        the_signal->raise_without_waiting();
    }
    wake_standby();
    make_way(!caller_reads);
    return true;
}

void on_fatal_signal(int number, siginfo_t* info, void* context) noexcept {
    if (::getpid() == the_process) {
        if (announce_crash()) {
            if (take_box()) {
                hang_is_recorded = false;
                record(number, *info, *static_cast<ucontext_t*>(context));
                close_box();
            }
            crash_is_recorded = true;
        } else if (!crash_is_recorded) {
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
    const bool comes_again = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
    if (info->si_code <= 0 || !comes_again) {
        ::raise(number);  // it was sent; delivered when the handler has returned
    }
}

// The host asks where the dispatcher is. Another thread gets the signal when that one blocks it: then it is not known.
void on_hang_signal(int number, siginfo_t* info, void* context) noexcept {
    const int error = errno;
    if (::getpid() == the_process && this_thread() == the_process && the_header->crashing.load() == 0 && take_box()) {
        record(number, *info, *static_cast<ucontext_t*>(context));
        hang_is_recorded = true;
        close_box();
    }
    errno = error;
}

void install(int number, void (*handler)(int, siginfo_t*, void*), int flags) noexcept {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
    ::sigaddset(&action.sa_mask, transport::kHangSignal);
    for (const int fatal : kFatal) {
        ::sigaddset(&action.sa_mask, fatal);
    }
    ::sigaction(number, &action, nullptr);
}

}  // namespace

void install_crash_handler(const transport::WorkerOutbox& outbox, const SignalEvent& signal,
                           const transport::HostOutboxView& host, const transport::WorkerCell& cell) noexcept {
    the_box = &outbox.black_box();
    the_header = &outbox.header();
    the_signal = &signal;
    the_host = &host;
    the_cell = &cell;
    the_process = ::getpid();
    BlackBoxRecord& record = the_box->record;
    record.heap_begin = reinterpret_cast<std::uint64_t>(::sbrk(0));
    record.channel_begin = reinterpret_cast<std::uint64_t>(the_header);
    record.channel_end = record.channel_begin + outbox.geometry().worker_outbox_size;
    prepare_main_thread_for_crash();
    note_uncaught_exceptions(record);
    for (const int number : kFatal) {
        install(number, on_fatal_signal, 0);
    }
    install(transport::kHangSignal, on_hang_signal, SA_RESTART);
}

}  // namespace bulkhead::worker
