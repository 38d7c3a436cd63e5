#include "known_process.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

using Text = std::array<char, 1024>;

std::error_code last_error() { return {errno, std::generic_category()}; }

// A file of /proc, as far as it fits. Empty: it cannot be read, `error` says why.
Text read_text(const char* path, std::error_code& error) noexcept {
    Text text{};
    const Descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size() - 1) : -1;
    error = size < 0 ? last_error() : std::error_code();
    text.at(size < 0 ? 0 : static_cast<std::size_t>(size)) = '\0';
    return text;
}

std::int64_t pid_of(const Descriptor& pidfd) noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd.get());
    std::error_code ignored;
    const Text text = read_text(path, ignored);
    const char* const line = std::strstr(text.data(), "\nPid:");
    const long number = line == nullptr ? 0 : std::strtol(line + std::strlen("\nPid:"), nullptr, 10);
    return number > 0 ? number : 0;
}

// 0: it is gone, or cannot be looked at.
std::uint64_t beginning_of(std::int64_t pid, std::error_code& error) noexcept {
    constexpr int kFieldsBetween = 20;  // "12 (name) S 1 ...": from the state to the time it began
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%lld/stat", static_cast<long long>(pid));
    const Text text = read_text(path, error);
    const char* position = std::strrchr(text.data(), ')');
    for (int field = 0; position != nullptr && field < kFieldsBetween; ++field) {
        position = std::strchr(position + 1, ' ');
    }
    return position == nullptr ? 0 : std::strtoull(position, nullptr, 10);
}

bool is_shortage(const std::error_code& error) {
    return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system ||
           error == std::errc::not_enough_memory;
}

}  // namespace

KnownProcess::KnownProcess(std::int64_t pid, Descriptor pidfd) : pid_(pid), held_(std::move(pidfd)) {}

void KnownProcess::let_go() {
    if (!held_ || pid_ == 0) {
        return;
    }
    std::error_code ignored;
    began_ = beginning_of(pid_, ignored);
    if (began_ != 0 && pid_of(held_) == pid_) {  // looked at once more: it was not reaped in between
        held_.reset();
    }
}

Descriptor KnownProcess::open(std::error_code& error) const noexcept {
    error.clear();
    Descriptor pidfd(held_ ? ::fcntl(held_.get(), F_DUPFD_CLOEXEC, 0)
                           : static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid_), 0)));
    if (!pidfd) {
        error = last_error();
        return {};
    }
    // Only now, when the number can no longer change hands.
    if (!held_ && beginning_of(pid_, error) != began_) {
        if (!is_shortage(error)) {
            error = std::make_error_code(std::errc::no_such_process);
        }
        return {};
    }
    return pidfd;
}

void KnownProcess::signal(int number) const noexcept {
    std::error_code error;
    const Descriptor opened = held_ ? Descriptor() : open(error);
    const Descriptor& pidfd = held_ ? held_ : opened;
    if (pidfd) {
        ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
    } else if (is_shortage(error) && ::getpgid(static_cast<pid_t>(pid_)) == pid_) {
        // No descriptor is left to be certain with. It leads a process group of its own, and was not reported reaped.
        ::kill(static_cast<pid_t>(pid_), number);
    }
}

}  // namespace bulkhead::detail
