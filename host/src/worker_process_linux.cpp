#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bulkhead/transport/read_once.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "black_box_reader.hpp"
#include "worker_process.hpp"

// Debian 12's headers lack it (kernel 5.14).
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace bulkhead::detail {
namespace {

// Why a process that was asked where it is did not say.
std::string why_silent(std::int64_t process) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%lld/stat", static_cast<long long>(process));
    const transport::Descriptor about(::open(path, O_RDONLY | O_CLOEXEC));
    char text[512];
    const ssize_t size = about ? ::read(about.get(), text, sizeof text - 1) : 0;
    text[size > 0 ? size : 0] = '\0';
    const char* name_end = std::strrchr(text, ')');  // "12 (name) T ..."
    switch (name_end != nullptr && name_end[1] == ' ' ? name_end[2] : '?') {
        case 'T':
        case 't':
            return "unknown: it was stopped";
        case 'D':
            return "unknown: it was blocked in the kernel";
        default:
            return "unknown: it did not say in time where it was; it blocks the signal, or did not run";
    }
}

// Makes sure that reading finds memory, so that running out of it is an error here and not a SIGBUS.
bool populate_for_reading(const std::byte* data, std::size_t size) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t begin = address / transport::kPage * transport::kPage;
    return ::madvise(reinterpret_cast<void*>(begin), address + size - begin, MADV_POPULATE_READ) == 0 ||
           errno == EINVAL;  // a kernel before 5.14
}

}  // namespace

transport::Life WorkerProcess::life_said() const noexcept {
    return static_cast<transport::Life>(view.header().life.load(std::memory_order_acquire));
}

bool WorkerProcess::is_loading() const noexcept {
    return !ready && (life_said() == transport::Life::blank || life_said() == transport::Life::loading);
}

bool WorkerProcess::has_lost_dispatcher() const noexcept {
    return (view.header().death.word.load(std::memory_order_acquire) & transport::kDispatcherDied) != 0;
}

bool WorkerProcess::is_out_of_sight() const noexcept {
    return !dead && process && death_watch == 0 && (output_watch == 0 || status_known || killed);
}

bool WorkerProcess::was_in_service() const noexcept {
    return serves_from == transport::kNoPosition ? ready : serving || begun > serves_from;
}

bool WorkerProcess::is_lost_blank() const noexcept {
    const bool gave_up =
        exit && WIFEXITED(exit->wait_status) && WEXITSTATUS(exit->wait_status) != transport::kOrderUnread;
    const bool began_nothing = view.header().begun.load(std::memory_order_acquire) == 0;
    return !ready && !cause && !gave_up && began_nothing && life_said() == transport::Life::blank;
}

std::int64_t WorkerProcess::pid() const noexcept { return dead ? 0 : process ? process.pid() : chosen_pid; }

std::uint64_t WorkerProcess::resident_bytes() const noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%lld/statm", static_cast<long long>(pid()));
    const transport::Descriptor about(::open(path, O_RDONLY | O_CLOEXEC));
    char text[128];
    const ssize_t size = about ? ::read(about.get(), text, sizeof text - 1) : -1;
    if (size <= 0) {
        return 0;
    }
    text[size] = '\0';
    const char* resident = std::strchr(text, ' ');  // the second number, in pages
    const long pages = resident == nullptr ? 0 : std::strtol(resident, nullptr, 10);
    return pages > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

bool WorkerProcess::died_by_own_signal() const noexcept {
    return exit && WIFSIGNALED(exit->wait_status) && (WTERMSIG(exit->wait_status) != SIGKILL || !killed);
}

bool WorkerProcess::failed_to_stop() const noexcept {
    const bool at_work = life_said() == transport::Life::serving || life_said() == transport::Life::handed_over;
    const bool left_early = at_work && exit && WIFEXITED(exit->wait_status);
    return cause == Cause::host_request && (left_early || died_by_own_signal());
}

bool WorkerProcess::was_cut_off() const noexcept {
    const transport::Life said = life_said();
    const bool had_served = said == transport::Life::serving || said == transport::Life::handed_over ||
                            (said == transport::Life::stopped && was_in_service());
    return cut_off && !failed_to_stop() && had_served;
}

bool WorkerProcess::crashed_aside() const noexcept {
    constexpr std::uint32_t kOtherThread = 2;
    return view.header().crashing.load(std::memory_order_relaxed) == kOtherThread;
}

void WorkerProcess::kill() noexcept {
    if (process && !dead) {
        killed = true;
        process.signal(SIGKILL);
    }
}

void WorkerProcess::cut_off_stop() noexcept {
    cut_off = cut_off || (!dead && !killed);
    kill();
}

void WorkerProcess::close_outbox() noexcept {
    std::error_code ignored;  // it is as well closed without
    transport::seal_against_new_writers(outbox_segment, ignored);
    outbox_segment.reset();
}

bool WorkerProcess::make_present(std::uint64_t offset, std::size_t size) noexcept {
    std::uint64_t present = slab_present.load(std::memory_order_relaxed);
    if (offset + size <= present) {
        return true;
    }
    if (!populate_for_reading(view.block(offset), size)) {
        return false;
    }
    if (offset <= present) {
        slab_present.compare_exchange_strong(present, offset + size, std::memory_order_relaxed);
    }
    return true;
}

bool WorkerProcess::read_slab(std::uint64_t offset, std::span<std::byte> target) noexcept {
    if (!make_present(offset, target.size())) {
        return false;
    }
    transport::copy_once(target.data(), view.block(offset), target.size());
    return true;
}

void WorkerProcess::end(Cause why, std::string explanation) {
    if (!cause && !dead) {
        cause = why;
        detail = std::move(explanation);
    }
    kill();
}

void WorkerProcess::end_overdue(Cause why, std::string explanation) {
    constexpr std::chrono::milliseconds kPatience{50};
    if (!process || dead || cause || has_record(view.black_box())) {
        end(why, std::move(explanation));
        return;
    }
    cause = why;
    detail = std::move(explanation);
    stack_by = std::chrono::steady_clock::now() + kPatience;
    process.signal(transport::kHangSignal);
}

bool WorkerProcess::finish_overdue(SteadyTime now) {
    if (!has_record(view.black_box())) {
        if (now < stack_by) {
            return false;
        }
        stack_note = why_silent(pid());
    }
    kill();
    return true;
}

}  // namespace bulkhead::detail
