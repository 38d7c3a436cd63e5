#include "bulkhead/host/async_call.hpp"

#include "lane.hpp"

namespace bulkhead::detail {

boost::asio::any_io_executor AsyncCall::callback_executor() const { return lane->callback_executor(); }

void AsyncCall::start(std::unique_ptr<Completion> completion, const std::shared_ptr<CancelTicket>& ticket) const {
    lane->start_call(pin, method, number, request, options, std::move(completion), ticket);
}

}  // namespace bulkhead::detail
