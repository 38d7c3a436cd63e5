#include "pump.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/system_executor.hpp>
#include <stdexcept>
#include <utility>

#include "cores.hpp"

namespace bulkhead::bench {

Pump::Pump(const Plugin& plugin, std::size_t payload, int core)
    : echo_(plugin.method("echo")), request_(payload, 'x'), core_(core) {}

std::chrono::nanoseconds Pump::run(std::uint64_t calls, std::uint64_t window) {
    window_ = window;
    left_ = calls;
    begun_ = false;
    end_ = {};
    auto end = end_.get_future();
    outstanding_ = 1;
    call();
    const Clock::time_point ended = end.get();
    if (!failure_.empty()) {
        throw std::runtime_error(failure_);
    }
    return ended - begin_;
}

void Pump::call() {
    echo_.async_call(request_, {},
                     boost::asio::bind_executor(boost::asio::system_executor(),
                                                [this](const result<Bytes>& outcome) { on_reply(outcome); }));
}

void Pump::on_reply(const result<Bytes>& outcome) {
    --outstanding_;
    if (!outcome && failure_.empty()) {
        failure_ = outcome.error().message;
        left_ = 0;
    }
    if (!begun_) {
        // This call only brought us to the reading thread.
        begun_ = true;
        pin(0, core_);
        begin_ = Clock::now();
    }
    while (left_ > 0 && outstanding_ < window_) {
        --left_;
        ++outstanding_;
        call();
    }
    if (outstanding_ == 0) {
        end_.set_value(Clock::now());
    }
}

}  // namespace bulkhead::bench
