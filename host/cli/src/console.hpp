// Standard output and error of this program.
#pragma once

#include <string>
#include <string_view>

#include "exit_code.hpp"

namespace bulkhead::cli {

// Before anything else: opens /dev/null for standard descriptors that are closed, so that nothing of the host gets
// their numbers, and ignores SIGPIPE. Writing to what was closed still fails.
void prepare_standard_descriptors();

// To standard output, buffered. A failure is remembered for finish().
void print(std::string_view text);

// False: something that was printed could not be written, as far as that is known already.
bool output_is_writable();

// Flushes. False: something that was printed could not be written.
bool flush();

// What to exit with: `code`, or output_failed when something could not be written; then it says so.
ExitCode finish(ExitCode code);

// "bulkhead: SENTENCE" on standard error.
void complain(std::string_view sentence);
// More on standard error, as it is.
void print_error(std::string_view text);

// Text of a plugin that is safe to show on a terminal: '?' for what is not printable, but tabs and newlines stay.
std::string harmless(std::string_view text);

bool output_is_terminal();

// Marks text for a reader at a terminal. Off when output goes elsewhere, and with NO_COLOR or TERM=dumb.
class Colours {
  public:
    static Colours of_output();
    explicit Colours(bool on) : on_(on) {}

    bool on() const { return on_; }
    std::string good(std::string_view text) const { return marked("32", text); }
    std::string bad(std::string_view text) const { return marked("1;31", text); }
    std::string note(std::string_view text) const { return marked("33", text); }
    std::string strong(std::string_view text) const { return marked("1", text); }

  private:
    std::string marked(const char* code, std::string_view text) const;
    bool on_;
};

}  // namespace bulkhead::cli
