#include "report_delivery.hpp"

#include <boost/asio/post.hpp>
#include <string>

#include "report_store.hpp"

namespace bulkhead::detail {
namespace {

// The report as it is kept. A report that cannot be kept is told all the same.
std::shared_ptr<const Report> kept(ReportStore& store, const std::shared_ptr<const Report>& report,
                                   const LogHook& log) {
    const auto complain = [&](std::string_view sentence) {
        if (log) {
            log(LogLine{report->plugin, LogSource::host, LogLevel::warning, std::string(sentence), 0});
        }
    };
    try {
        return store.keep(report, complain);
    } catch (...) {  // no memory, or the server's log is broken
        return report;
    }
}

}  // namespace

void deliver_report(const Runtime& runtime, const std::shared_ptr<const Report>& report) {
    if (!runtime.options.on_death && !runtime.reports) {
        return;
    }
    boost::asio::post(runtime.callbacks,
                      [hook = runtime.options.on_death, log = runtime.options.log, store = runtime.reports, report] {
                          const auto told = store ? kept(*store, report, log) : report;
                          try {
                              if (hook) {
                                  hook(*told);
                              }
                          } catch (...) {  // the server's own trouble; the plugin is served on
                          }
                      });
}

}  // namespace bulkhead::detail
