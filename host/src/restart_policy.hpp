// What comes after the end of a worker.
#pragma once

#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>

namespace bulkhead::detail {

// Which ends a plugin comes back from.
enum class RestartRule : std::uint8_t {
    permanent,  // all
    transient,  // all but an exit with code 0
    temporary,  // none
};

// More than `restarts` within this time are too many.
struct RestartLimit {
    std::uint32_t restarts = 0;
    std::chrono::milliseconds within{0};
};

// The first restart of a row is at once, the second, or one after a failed start, waits for `first`, each further one
// twice as long, none longer than `cap`; all of them up to a quarter more or less, so that plugins that fell together
// do not come back together.
struct RestartBackoff {
    std::chrono::milliseconds first{10};
    std::chrono::milliseconds cap{10'000};
};

struct RestartSettings {
    RestartRule rule = RestartRule::permanent;
    RestartLimit burst{5, std::chrono::seconds(10)};
    RestartLimit sustained{std::numeric_limits<std::uint32_t>::max(), std::chrono::hours(1)};  // none
    RestartBackoff backoff;
    std::uint32_t start_attempts = 3;  // so many may fail in a row; one more is given up
};

enum class WorkerEnd : std::uint8_t {
    crash,         // in service, whatever the cause
    exit,          // in service, with code 0
    failed_start,  // it was never ready
    blameless,     // it died with its fork server, or before it had read its order
};

struct RestartDecision {
    enum class Next : std::uint8_t {
        at_once,
        later,      // at `at`
        stay_down,  // in order: the rule does not bring it back
        give_up,
    };

    Next next = Next::at_once;
    transport::SteadyTime at{};
    std::string why;  // stay_down and give_up: a clause, such as "its worker died too often (...)"
};

// Counts the ends of a plugin's workers and decides after each. Reads no clock; times must not go back. Guarded by the
// lane's mutex.
class RestartPolicy {
  public:
    explicit RestartPolicy(const RestartSettings& settings) : settings_(settings) {}

    // `served`: the worker had answered a call well, or lived for long; one that ended blameless: it had come as far as
    // it should. `random`: any number; it makes the jitter.
    RestartDecision after(WorkerEnd end, bool served, transport::SteadyTime now, std::uint64_t random);

    // A worker serves now.
    void started() noexcept { row_.failed_starts = 0; }

    // As if nothing had ever ended.
    void reset();

  private:
    struct Row {
        std::uint32_t deaths = 0;         // without service between
        std::uint32_t failed_starts = 0;  // without a worker that served between
    };
    // Starts that came to nothing because the fork server or the process was killed. The first may be chance, or
    // another plugin's doing. But a plugin can kill its parent, and must not do so without an end.
    struct BlamelessRow {
        std::uint32_t ends = 0;
        transport::SteadyTime since;
        transport::SteadyTime last;
    };

    RestartDecision after_blameless(bool served, transport::SteadyTime now, std::uint64_t random);

    bool stays_down(WorkerEnd end) const noexcept;
    const RestartLimit* limit_reached(transport::SteadyTime now);
    // After so many ends in a row.
    RestartDecision wait(std::uint32_t ends, transport::SteadyTime now, std::uint64_t random) const;
    std::chrono::nanoseconds delay(std::uint32_t ends, std::uint64_t random) const;

    RestartSettings settings_;
    Row row_;
    BlamelessRow blameless_;
    std::deque<transport::SteadyTime> restarts_;  // after ends in service; only as long as a limit looks back
};

}  // namespace bulkhead::detail
