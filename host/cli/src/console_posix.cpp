#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bulkhead/host/printable.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "console.hpp"

namespace bulkhead::cli {
namespace {

// errno of the first write that failed; 0: none did. This program writes from one thread.
int first_error = 0;

void remember_error() {
    if (first_error == 0) {
        first_error = errno != 0 ? errno : EIO;
    }
}

}  // namespace

void prepare_standard_descriptors() {
    std::signal(SIGPIPE, SIG_IGN);
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) < 0) {
            // The lowest free number is this one. In the wrong direction, so that using it is still an error.
            const int opened = ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
            if (opened != descriptor) {
                std::_Exit(static_cast<int>(ExitCode::output_failed));
            }
        }
    }
}

void print(std::string_view text) {
    errno = 0;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
        remember_error();
    }
}

bool output_is_writable() { return first_error == 0; }

bool flush() {
    errno = 0;
    if (std::fflush(stdout) != 0) {
        remember_error();
    }
    return first_error == 0;
}

ExitCode finish(ExitCode code) {
    if (flush()) {
        return code;
    }
    complain(std::string("standard output cannot be written: ") + std::strerror(first_error) +
             "; look at where it goes");
    return ExitCode::output_failed;
}

void complain(std::string_view sentence) {
    std::string line = harmless(sentence);
    std::replace(line.begin(), line.end(), '\n', '?');
    print_error("bulkhead: " + line + "\n");
}

void print_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string harmless(std::string_view text) { return printable(text, '?', "\t\n"); }

bool output_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

Colours Colours::of_output() {
    const char* const no_color = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    const bool refused =
        (no_color != nullptr && *no_color != '\0') || (terminal != nullptr && std::string_view(terminal) == "dumb");
    return Colours(!refused && output_is_terminal());
}

std::string Colours::marked(const char* code, std::string_view text) const {
    return on_ ? "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m" : std::string(text);
}

}  // namespace bulkhead::cli
