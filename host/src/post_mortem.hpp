// From a dead worker's black box to the backtrace in its report.
#pragma once

#include <bulkhead/transport/black_box.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "autopsy.hpp"
#include "release.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

struct Runtime;

// Has the stacks of dead workers explained by throw-away workers, and delivers each report exactly once: with its
// backtrace, or with a note why there is none. The reports on a plugin are delivered in the order of its deaths. Owned
// by the runtime. Never blocks the supervisor thread, on which everything runs but await_all() and deliver_rest().
class PostMortem {
  public:
    explicit PostMortem(Runtime& runtime);
    ~PostMortem();
    PostMortem(const PostMortem&) = delete;
    PostMortem& operator=(const PostMortem&) = delete;

    // Delivers the report, not before the callers that lost a worker have had time to be served by the next one.
    void examine(std::shared_ptr<const Report> report, std::shared_ptr<const transport::BlackBox> box,
                 std::shared_ptr<const Release> release);

    // Waits until all reports so far are delivered, at most for so long. Any thread but the supervisor's.
    void await_all(std::chrono::milliseconds patience);
    // Delivers what is still open as it is. After the supervisor has stopped.
    void deliver_rest();

  private:
    struct Case {
        transport::SteadyTime due;
        std::shared_ptr<const Report> report;
        std::shared_ptr<const transport::BlackBox> box;
        std::shared_ptr<const Release> release;
    };

    // Delivers the report at once when the box holds no record. Copies the box.
    void open(Case fresh);
    void begin_some();
    void begin(const std::shared_ptr<Autopsy>& autopsy);
    void on_answer(const std::shared_ptr<Autopsy>& autopsy);
    void on_time();
    // Starts it again when its process died with the fork server; else delivers what it found.
    void end(const std::shared_ptr<Autopsy>& autopsy);
    void finish(const std::shared_ptr<const Report>& report);
    void finish_without(const Report& report, const char* why);
    void tell_finished();

    Runtime& runtime_;
    Supervisor::Id timer_;
    std::deque<Case> fresh_;
    std::deque<std::shared_ptr<Autopsy>> waiting_;
    std::list<std::shared_ptr<Autopsy>> running_;

    // A report that is not delivered yet.
    struct Untold {
        std::string id;
        std::string plugin;
        std::shared_ptr<const Report> finished;  // null: its stack is still being read
    };

    std::mutex mutex_;          // guards all below
    std::list<Untold> untold_;  // in the order of deaths
    std::condition_variable all_told_;
};

}  // namespace bulkhead::detail
