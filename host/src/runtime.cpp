#include "runtime.hpp"

#include <array>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <cstdio>

#include "report_store.hpp"

namespace bulkhead::detail {

Runtime::Runtime(HostOptions chosen, std::error_code& error) : options(std::move(chosen)), supervisor(error) {
    if (!options.reports.empty() && options.max_reports > 0) {
        reports = std::make_shared<ReportStore>(options);
    }
}

std::string Runtime::report_id(const std::string& plugin, std::uint32_t incarnation, std::uint64_t start_id) const {
    std::array<char, 9> mark{};
    std::snprintf(mark.data(), mark.size(), "%08x", static_cast<unsigned>(run + static_cast<std::uint32_t>(start_id)));
    return plugin + "-" + std::to_string(incarnation) + "-" + mark.data();
}

boost::asio::any_io_executor Runtime::callback_executor() const {
    // First counted, then the look; the end does it the other way round. One of us sees the other.
    auto executor = boost::asio::prefer(callbacks, boost::asio::execution::outstanding_work.tracked);
    if (callbacks_end) {
        return boost::asio::system_executor();
    }
    return executor;
}

void Runtime::end_callbacks() {
    if (callback_thread) {
        callbacks_end = true;
        callback_thread->join();
    }
}

}  // namespace bulkhead::detail
