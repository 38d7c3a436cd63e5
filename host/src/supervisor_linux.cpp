#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "signal_block.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

using transport::kNoDeadline;
using transport::SteadyTime;

namespace {

constexpr Supervisor::Id kPokeId = 0;

// Whose thread this is: it looks at timers and posted tasks before it sleeps, and needs no poke for its own.
thread_local const Supervisor* supervisor_of_this_thread = nullptr;

using Events = std::array<epoll_event, 64>;

// Waits for at most `rest`; negative: for ever.
int wait_for_events(int epoll, Events& events, std::chrono::nanoseconds rest) {
    const timespec timeout{static_cast<time_t>(rest.count() / 1'000'000'000),
                           static_cast<long>(rest.count() % 1'000'000'000)};
    const int size = static_cast<int>(events.size());
    const int count = ::epoll_pwait2(epoll, events.data(), size, rest.count() < 0 ? nullptr : &timeout, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return count;
    }
    // A kernel before 5.11, or a container that filters the call: milliseconds must do.
    constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(1);
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(rest);
    return ::epoll_wait(epoll, events.data(), size,
                        rest.count() < 0 ? -1 : static_cast<int>(std::min(rounded, kLongest).count()));
}

}  // namespace

Supervisor::Supervisor(std::error_code& error)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), poke_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // never read: each write is an edge
    event.data.u64 = kPokeId;
    if (!epoll_ || !poke_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, poke_.get(), &event) != 0) {
        error = {errno, std::generic_category()};
    }
}

Supervisor::~Supervisor() { stop(); }

void Supervisor::start() {
    const SignalBlock block;
    thread_ = std::thread([this] { run(); });
}

void Supervisor::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    poke();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Supervisor::poke() const noexcept {
    if (supervisor_of_this_thread == this) {
        return;
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(poke_.get(), &one, sizeof one);
}

bool Supervisor::post(std::function<void()> task) {
    const bool posted = post_without_poke(std::move(task));
    if (posted) {
        poke();
    }
    return posted;
}

bool Supervisor::post_without_poke(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
        posted_.push_back(std::move(task));
    }
    return !stopping_;
}

Supervisor::Id Supervisor::watch(int descriptor, std::uint32_t events, std::function<void(std::uint32_t)> on_event) {
    const Id id = next_watch_++;
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    watches_.emplace(id, std::make_shared<std::function<void(std::uint32_t)>>(std::move(on_event)));
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
        watches_.erase(id);
        return 0;
    }
    return id;
}

void Supervisor::modify(Id id, int descriptor, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event);
}

void Supervisor::unwatch(Id id, int descriptor) {
    if (watches_.erase(id) != 0) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
    }
}

Supervisor::Id Supervisor::add_timer(std::function<void()> on_time) {
    const std::lock_guard lock(mutex_);
    const Id id = next_timer_++;
    Timer timer;
    timer.on_time = std::make_shared<std::function<void()>>(std::move(on_time));
    Schedule one{{kNoDeadline, id}};
    timer.entry = one.extract(one.begin());
    timers_.emplace(id, std::move(timer));
    return id;
}

void Supervisor::remove_timer(Id id) {
    const std::lock_guard lock(mutex_);
    const auto found = timers_.find(id);
    if (found != timers_.end()) {
        schedule_.erase({found->second.when, id});
        timers_.erase(found);
    }
}

void Supervisor::arm(Id id, SteadyTime when) noexcept {
    if (arm_without_poke(id, when)) {
        poke();
    }
}

bool Supervisor::arm_without_poke(Id id, SteadyTime when) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = timers_.find(id);
    if (found == timers_.end() || found->second.when <= when) {
        return false;
    }
    Timer& timer = found->second;
    auto entry = timer.entry ? std::move(timer.entry) : schedule_.extract({timer.when, id});
    entry.value().first = when;
    schedule_.insert(std::move(entry));
    timer.when = when;
    return when < sleeping_until_;
}

void Supervisor::run_posted() {
    std::vector<std::function<void()>> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(posted_);
    }
    for (const auto& task : tasks) {
        task();
    }
}

void Supervisor::fire_timers() {
    const SteadyTime now = std::chrono::steady_clock::now();
    for (;;) {
        std::shared_ptr<std::function<void()>> due;
        {
            const std::lock_guard lock(mutex_);
            if (schedule_.empty() || schedule_.begin()->first > now) {
                return;
            }
            Timer& timer = timers_.at(schedule_.begin()->second);
            timer.entry = schedule_.extract(schedule_.begin());
            timer.when = kNoDeadline;
            due = timer.on_time;
        }
        (*due)();
    }
}

std::chrono::nanoseconds Supervisor::time_to_next() {
    const std::lock_guard lock(mutex_);
    if (!posted_.empty() || stopping_) {
        sleeping_until_ = SteadyTime::min();
        return std::chrono::nanoseconds(0);
    }
    sleeping_until_ = schedule_.empty() ? kNoDeadline : schedule_.begin()->first;
    if (sleeping_until_ == kNoDeadline) {
        return std::chrono::nanoseconds(-1);
    }
    return std::max<std::chrono::nanoseconds>(sleeping_until_ - std::chrono::steady_clock::now(),
                                              std::chrono::nanoseconds(0));
}

void Supervisor::run() {
    supervisor_of_this_thread = this;
    Events events{};
    for (;;) {
        const std::chrono::nanoseconds rest = time_to_next();
        const int count = wait_for_events(epoll_.get(), events, rest);
        for (int index = 0; index < count; ++index) {
            const epoll_event& event = events[static_cast<std::size_t>(index)];
            const auto found = watches_.find(event.data.u64);
            if (found != watches_.end()) {
                const auto on_event = found->second;  // it may unwatch itself
                (*on_event)(event.events);
            }
        }
        run_posted();
        fire_timers();
        const std::lock_guard lock(mutex_);
        if (stopping_ && posted_.empty()) {
            return;
        }
    }
}

}  // namespace bulkhead::detail
