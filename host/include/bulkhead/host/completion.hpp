// How the outcome of an asynchronous call finds its handler. Not for direct use.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "bulkhead/host/bytes.hpp"
#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"

namespace bulkhead::detail {

class Lane;

// Ties a cancellation slot to a call that may not exist yet. Any thread.
class CancelTicket {
  public:
    void attach(std::weak_ptr<Lane> lane);
    BULKHEAD_HOST_EXPORT void cancel();
    bool cancelled();

  private:
    std::mutex mutex_;
    std::weak_ptr<Lane> lane_;
    bool cancelled_ = false;
};

// Null when the handler cannot be cancelled.
template <typename Handler>
std::shared_ptr<CancelTicket> make_ticket(const Handler& handler) {
    return boost::asio::get_associated_cancellation_slot(handler).is_connected() ? std::make_shared<CancelTicket>()
                                                                                 : nullptr;
}

// Where an outcome goes. Owned by the call; completed once.
class Completion {
  public:
    virtual ~Completion() = default;
    // `posted`: never runs the handler within this call.
    virtual void complete(result<Bytes>&& outcome, bool posted) = 0;
};

template <typename Handler>
class HandlerCompletion final : public Completion {
  public:
    HandlerCompletion(Handler handler, const boost::asio::any_io_executor& fallback,
                      std::shared_ptr<CancelTicket> ticket)
        : handler_(std::move(handler)), work_(boost::asio::get_associated_executor(handler_, fallback)) {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected()) {
            slot.assign([ticket = std::move(ticket)](boost::asio::cancellation_type) { ticket->cancel(); });
        }
    }

    void complete(result<Bytes>&& outcome, bool posted) override {
        // Inline only where that was asked for: a server may hold a lock around a call that reads others' replies.
        if constexpr (std::is_same_v<Executor, boost::asio::system_executor>) {
            if (!posted) {
                // One that throws has nobody to throw to: whoever reads replies must not be left by it.
                [&]() noexcept { run(std::move(handler_), std::move(outcome)); }();
                return;
            }
        }
        boost::asio::post(work_.get_executor(),
                          [handler = std::move(handler_), outcome = std::move(outcome)]() mutable {
                              run(std::move(handler), std::move(outcome));
                          });
        work_.reset();
    }

  private:
    using Executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;

    // The slot is cleared where the handler runs: that is where it may be emitted.
    static void run(Handler&& handler, result<Bytes>&& outcome) {
        boost::asio::get_associated_cancellation_slot(handler).clear();
        std::move(handler)(std::move(outcome));
    }

    Handler handler_;
    boost::asio::executor_work_guard<Executor> work_;
};

template <typename Handler>
std::unique_ptr<Completion> make_completion(Handler handler, const boost::asio::any_io_executor& fallback,
                                            std::shared_ptr<CancelTicket> ticket) {
    return std::make_unique<HandlerCompletion<Handler>>(std::move(handler), fallback, std::move(ticket));
}

}  // namespace bulkhead::detail
