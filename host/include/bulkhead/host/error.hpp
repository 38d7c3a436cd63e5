// What can go wrong, as a value.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bulkhead/host/export.hpp"

namespace bulkhead {

struct Report;

enum class ErrorCode : std::uint8_t {
    plugin_failed,       // the plugin answered with an error of its own: `plugin_number` and the message's text
    crashed,             // the worker died while it ran the call
    timed_out,           // the deadline passed
    cancelled,           // the caller gave up
    overloaded,          // as many calls or bytes in flight as the manifest allows
    unavailable,         // the plugin does not run: it crashed too often
    quarantined,         // this request killed workers before
    too_large,           // request or reply over limits.payload
    no_such_method,      // the plugin has no method of that name
    no_such_plugin,      // the host has no plugin of that name
    protocol_violation,  // the worker wrote something impossible while it ran the call
    stopped,             // the host is being destroyed, or the plugin was unloaded
    load_failed,         // the plugin could not be started
    policy_unavailable,  // reserved: this machine cannot enforce the plugin's policy
    bad_manifest,        // plugin.json says something impossible
    invalid_argument,    // misuse of the API
    session_lost,        // the worker that held the session is dead
};

// What happened to the plugin's state.
enum class Effect : std::uint8_t {
    none,       // the call never began
    unknown,    // it began; it may have done some, all or nothing
    committed,  // a checkpoint that contains all of it was taken
};

BULKHEAD_HOST_EXPORT std::string_view to_string(ErrorCode code) noexcept;
BULKHEAD_HOST_EXPORT std::string_view to_string(Effect effect) noexcept;

// Why there is no result. Cheap to move; copies share the report.
struct Error {
    ErrorCode code = ErrorCode::invalid_argument;
    Effect effect = Effect::none;
    std::int32_t plugin_number = 0;        // plugin_failed: the plugin's own
    std::string message;                   // one sentence that names plugin, call and cause
    std::shared_ptr<const Report> report;  // how the worker died; null when it did not
    // `unavailable` in backoff: when the next worker is started.
    std::optional<std::chrono::steady_clock::time_point> next_try = std::nullopt;
};

// Thrown by result::value() when there is none.
class BULKHEAD_HOST_EXPORT BadResult : public std::runtime_error {
  public:
    explicit BadResult(Error error) : std::runtime_error(error.message), error_(std::move(error)) {}
    const Error& error() const noexcept { return error_; }

  private:
    Error error_;
};

[[noreturn]] BULKHEAD_HOST_EXPORT void throw_exception_from_error(const Error& error,
                                                                  const boost::source_location& where);

template <typename T>
using result = boost::system::result<T, Error>;

}  // namespace bulkhead
