// How a command ends early.
#pragma once

#include <bulkhead/host/error.hpp>
#include <stdexcept>
#include <string>

#include "exit_code.hpp"

namespace bulkhead::cli {

// Thrown by commands, caught in main, which prints the sentence. It says what is wrong, then what to try next.
class Failure : public std::runtime_error {
  public:
    Failure(ExitCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
    ExitCode code() const noexcept { return code_; }

  private:
    ExitCode code_;
};

ExitCode exit_code_of(ErrorCode code) noexcept;

// Whether the user has seen what the plugin printed.
enum class PluginOutput { hidden, shown };

// The host's sentence, and what the user of a command line can do about it. `plugin` is as the user named it.
std::string advised(const Error& error, const std::string& plugin, PluginOutput output = PluginOutput::hidden);

Failure failure_of(const Error& error, const std::string& plugin, PluginOutput output = PluginOutput::hidden);

}  // namespace bulkhead::cli
