// The reports of a host's deaths, as they come.
#pragma once

#include <bulkhead/host/report.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace bulkhead::cli {

// Fits HostOptions::on_death. An Error's report comes first and knows less: the one that comes here has its backtrace,
// and its files are on disk. Copies share what was collected. Any thread.
class DeathWatch {
  public:
    void operator()(const Report& report) const;

    // Waits for the report with this id. Null: it did not come in time.
    std::shared_ptr<const Report> await(const std::string& id) const;
    // Waits for any.
    std::shared_ptr<const Report> await_any(std::chrono::nanoseconds patience) const;
    // Waits for that of a hang.
    std::shared_ptr<const Report> await_hang(std::chrono::nanoseconds patience) const;
    // Those that came until now, but for the one with this id.
    std::vector<std::shared_ptr<const Report>> all_but(const std::string& id) const;

  private:
    using Wanted = std::function<bool(const Report&)>;
    std::shared_ptr<const Report> await_first(const Wanted& is_wanted, std::chrono::nanoseconds patience) const;

    struct State {
        std::mutex mutex;
        std::condition_variable came;
        std::vector<std::shared_ptr<const Report>> reports;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace bulkhead::cli
