// How a handler says that its call failed.
#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>

namespace bulkhead::plugin {

// The number of a failure without one of its own: an exception that is no Error, a dropped call.
inline constexpr std::int32_t kUnspecified = 1;

// A failure with a number of the plugin's own. Thrown by a handler it fails the call; thrown by the constructor
// or activate() the worker is given up. Number and text reach the caller unchanged.
class Error : public std::runtime_error {
  public:
    Error(std::int32_t number, const std::string& text) : std::runtime_error(text), number_(number) {}
    std::int32_t number() const noexcept { return number_; }

  private:
    std::int32_t number_;
};

// For use in a catch block: hands number and text of the exception that is being handled to `report`.
template <class Report>
void report_exception(Report&& report) noexcept {
    try {
        throw;
    } catch (const Error& error) {
        report(error.number(), error.what());
    } catch (const std::exception& error) {
        report(kUnspecified, error.what());
    } catch (...) {
        report(kUnspecified, "unknown exception");
    }
}

}  // namespace bulkhead::plugin
