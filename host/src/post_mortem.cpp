#include "post_mortem.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "black_box_reader.hpp"
#include "report_delivery.hpp"
#include "runtime.hpp"

namespace bulkhead::detail {
namespace {

constexpr std::size_t kAtOnce = 2;
constexpr std::size_t kMostWaiting = 32;  // each is some 70 KB of memory and a descriptor
constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::milliseconds kDelay{2};

}  // namespace

PostMortem::PostMortem(Runtime& runtime)
    : runtime_(runtime), timer_(runtime.supervisor.add_timer([this] { on_time(); })) {}

PostMortem::~PostMortem() { runtime_.supervisor.remove_timer(timer_); }

void PostMortem::examine(std::shared_ptr<const Report> report, std::shared_ptr<const transport::BlackBox> box,
                         std::shared_ptr<const Release> release) {
    {
        const std::lock_guard lock(mutex_);
        untold_.push_back({report->id, report->plugin, nullptr});
    }
    const auto due = std::chrono::steady_clock::now() + kDelay;
    fresh_.push_back({due, std::move(report), std::move(box), std::move(release)});
    runtime_.supervisor.arm(timer_, due);
}

void PostMortem::open(Case fresh) {
    if (!has_record(*fresh.box)) {
        finish(fresh.report);
        return;
    }
    if (waiting_.size() >= kMostWaiting) {
        finish_without(*fresh.report, "none: too many workers died at once");
        return;
    }
    std::error_code error;
    auto autopsy = std::make_shared<Autopsy>(fresh.report, *fresh.box, std::move(fresh.release), error);
    if (error) {
        finish_without(*fresh.report, "none: the host has no resources to have its stack read");
        return;
    }
    waiting_.push_back(std::move(autopsy));
    begin_some();
}

void PostMortem::begin_some() {
    while (running_.size() < kAtOnce && !waiting_.empty()) {
        const auto next = std::move(waiting_.front());
        waiting_.pop_front();
        running_.push_back(next);
        next->deadline = std::chrono::steady_clock::now() + kPatience;
        runtime_.supervisor.arm(timer_, next->deadline);
        begin(next);
    }
}

void PostMortem::begin(const std::shared_ptr<Autopsy>& autopsy) {
    ++autopsy->attempts;
    autopsy->unattended = false;
    if (!autopsy->open_pipe()) {
        autopsy->watch = runtime_.supervisor.watch(autopsy->output().get(), EPOLLIN,
                                                   [this, autopsy](std::uint32_t) { on_answer(autopsy); });
    }
    if (autopsy->watch == 0) {
        autopsy->unattended = true;
        runtime_.supervisor.post([this, autopsy] { end(autopsy); });
        return;
    }
    autopsy->start_id = runtime_.next_start_id();
    LaunchOrder order;
    order.start_id = autopsy->start_id;
    order.message.role = transport::WorkerRole::explain;
    order.descriptors = autopsy->descriptors();
    order.listener = autopsy;
    order.keeps = autopsy;
    runtime_.launcher->order(std::move(order));
}

void PostMortem::on_answer(const std::shared_ptr<Autopsy>& autopsy) {
    if (autopsy->read_output() != Autopsy::Read::more) {
        autopsy->kill();
        end(autopsy);
    }
}

void PostMortem::on_time() {
    const auto now = std::chrono::steady_clock::now();
    while (!fresh_.empty() && fresh_.front().due <= now) {
        Case fresh = std::move(fresh_.front());
        fresh_.pop_front();
        open(std::move(fresh));
    }
    auto next = fresh_.empty() ? transport::kNoDeadline : fresh_.front().due;
    std::vector<std::shared_ptr<Autopsy>> overdue;
    for (const auto& autopsy : running_) {
        if (autopsy->deadline <= now) {
            overdue.push_back(autopsy);
        } else {
            next = std::min(next, autopsy->deadline);
        }
    }
    if (next != transport::kNoDeadline) {
        runtime_.supervisor.arm(timer_, next);
    }
    for (const auto& autopsy : overdue) {
        autopsy->timed_out = true;
        runtime_.launcher->withdraw(autopsy->start_id);
        autopsy->kill();
        end(autopsy);
    }
}

void PostMortem::end(const std::shared_ptr<Autopsy>& autopsy) {
    if (autopsy->watch != 0) {
        runtime_.supervisor.unwatch(std::exchange(autopsy->watch, 0), autopsy->output().get());
    }
    if (autopsy->deserves_another_attempt()) {
        begin(autopsy);
        return;
    }
    const auto entry = std::find(running_.begin(), running_.end(), autopsy);
    if (entry == running_.end()) {
        return;
    }
    const auto finished = *entry;
    running_.erase(entry);
    finish(finished->finished_report());
    begin_some();
}

void PostMortem::finish(const std::shared_ptr<const Report>& report) {
    const std::lock_guard lock(mutex_);
    const auto entry =
        std::find_if(untold_.begin(), untold_.end(), [&](const Untold& untold) { return untold.id == report->id; });
    entry->finished = report;
    tell_finished();
}

// Delivers those that no earlier death of the same plugin holds up. Under the mutex.
void PostMortem::tell_finished() {
    std::set<std::string_view> held_up;
    for (auto entry = untold_.begin(); entry != untold_.end();) {
        if (!entry->finished) {
            held_up.insert(entry->plugin);
        }
        if (held_up.contains(entry->plugin)) {
            ++entry;
        } else {
            deliver_report(runtime_, entry->finished);
            entry = untold_.erase(entry);
        }
    }
    all_told_.notify_all();
}

void PostMortem::finish_without(const Report& report, const char* why) {
    auto copy = std::make_shared<Report>(report);
    copy->backtrace_note = why;
    finish(copy);
}

void PostMortem::await_all(std::chrono::milliseconds patience) {
    // What the supervisor is doing now may bring another report.
    bool looked = false;
    const bool posted = runtime_.supervisor.post([this, &looked] {
        const std::lock_guard lock(mutex_);
        looked = true;
        all_told_.notify_all();
    });
    std::unique_lock lock(mutex_);
    if (posted) {
        all_told_.wait(lock, [&] { return looked; });
        all_told_.wait_for(lock, patience, [this] { return untold_.empty(); });
    }
}

void PostMortem::deliver_rest() {
    for (const Case& fresh : std::exchange(fresh_, {})) {
        if (has_record(*fresh.box)) {
            finish_without(*fresh.report, "none: the host ended before its stack was read");
        } else {
            finish(fresh.report);
        }
    }
    waiting_.insert(waiting_.begin(), running_.begin(), running_.end());
    running_.clear();
    for (const auto& autopsy : std::exchange(waiting_, {})) {
        finish_without(autopsy->report(), "none: the host ended before its stack was read");
    }
}

}  // namespace bulkhead::detail
