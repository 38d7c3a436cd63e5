#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bulkhead/transport/read_once.hpp>
#include <bulkhead/transport/segment.hpp>
#include <cerrno>
#include <csignal>
#include <span>
#include <utility>

#include "autopsy.hpp"
#include "black_box_reader.hpp"
#include "explanation_reader.hpp"

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

constexpr std::size_t kMaxAnswer = std::size_t{1} << 20;
constexpr int kMaxAttempts = 3;

}  // namespace

Autopsy::Autopsy(std::shared_ptr<const Report> report, const transport::BlackBox& box,
                 std::shared_ptr<const Release> release, std::error_code& error)
    : report_(std::move(report)), release_(std::move(release)), modules_(read_modules(box)) {
    std::vector<std::byte> copy(sizeof box);
    transport::copy_once(copy.data(), &box, sizeof box);
    box_ = transport::create_sealed_file("bulkhead-black-box", copy, error);
}

std::error_code Autopsy::open_pipe() {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) {
        return {errno, std::generic_category()};
    }
    output_.reset(pipe[0]);
    output_far_.reset(pipe[1]);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    pidfd_.reset();
    answer_.clear();
    return {};
}

std::vector<int> Autopsy::descriptors() const {
    std::vector<int> all{output_far_.get(), box_.get(), release_->library.descriptor()};
    for (const NamedLibrary& library : release_->dependencies) {
        all.push_back(library.descriptor());
    }
    return all;
}

Autopsy::Read Autopsy::read_output() {
    constexpr int kReadsPerEvent = 16;  // then others have their turn
    std::array<char, 4096> buffer;
    for (int round = 0; round < kReadsPerEvent; ++round) {
        const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
        if (count == 0) {
            return Read::all;
        }
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR ? Read::more : Read::all;
        }
        answer_.append(buffer.data(), static_cast<std::size_t>(count));
        if (answer_.size() > kMaxAnswer) {
            return Read::too_much;
        }
    }
    return Read::more;
}

void Autopsy::kill() noexcept {
    if (pidfd_) {
        ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    }
}

std::shared_ptr<const Report> Autopsy::finished_report() const {
    auto report = std::make_shared<Report>(*report_);
    if (timed_out) {
        report->backtrace_note = "none: reading its stack took too long";
    } else if (unattended) {
        report->backtrace_note = "none: the host has no resources to have its stack read";
    } else if (answer_.size() > kMaxAnswer || !read_explanation(answer_, modules_, *report)) {
        report->backtrace_note = "none: the process that was to read its stack died or answered nonsense";
    } else if (!report_->backtrace_note.empty()) {
        report->backtrace_note =
            report_->backtrace_note + (report->backtrace_note.empty() ? "" : "; ") + report->backtrace_note;
    }
    return report;
}

bool Autopsy::deserves_another_attempt() const noexcept {
    return answer_.empty() && !timed_out && attempts < kMaxAttempts;
}

void Autopsy::on_started(std::uint64_t, std::int32_t, Descriptor pidfd) {
    pidfd_ = std::move(pidfd);
    output_far_.reset();
}

void Autopsy::on_start_failed(std::uint64_t, int) {
    unattended = true;
    output_far_.reset();  // the pipe ends, and so the attempt
}

}  // namespace bulkhead::detail
