// Leaves a mark for each call that really ran, where a worker's death cannot reach it, so that tests can count runs.
// Config: {"journal": "path of a file"}; each run appends its request as a line.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bulkhead/plugin/json.hpp"
#include "bulkhead/plugin/plugin.hpp"

namespace {

using bulkhead::plugin::Call;

class Witness {
  public:
    explicit Witness(const nlohmann::json& config)
        : journal_(
              ::open(config.value("journal", "/dev/null").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
        if (journal_ < 0) {
            throw bulkhead::plugin::Error(1, "the journal cannot be opened");
        }
    }
    ~Witness() { ::close(journal_); }
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;

    // Answers with the request.
    std::string note(std::string_view request) {
        append(request);
        return std::string(request);
    }

    // Request: the path of a FIFO. Whoever opens it for writing learns that this call has begun, and lets it go by
    // closing it.
    std::string hold(std::string_view request) {
        append("hold");
        const int gate = ::open(std::string(request).c_str(), O_RDONLY | O_CLOEXEC);
        char ignored = 0;
        while (::read(gate, &ignored, 1) > 0) {
        }
        ::close(gate);
        return "let go";
    }

    // Dies in the middle of the call.
    void die(std::string_view request) {
        append(request);
        ::kill(::getpid(), SIGKILL);
    }

    // Answers with the request, and dies before the next instruction of its own.
    void answer_and_die(std::string_view request, Call& call) {
        append(request);
        call.reply(request);
        ::kill(::getpid(), SIGKILL);
    }

    // The trace id in hexadecimal digits; "none".
    std::string trace(Call& call) {
        const auto id = call.trace_id();
        if (!id) {
            return "none";
        }
        constexpr std::string_view kDigits = "0123456789abcdef";
        std::string text;
        for (const std::uint8_t byte : *id) {
            text += kDigits[byte >> 4];
            text += kDigits[byte & 15];
        }
        return text;
    }

    // What it prints from now on goes nowhere, and the host sees the end of its output.
    void close_output() {
        ::close(STDOUT_FILENO);
        ::close(STDERR_FILENO);
    }

    std::string pid() { return std::to_string(::getpid()); }

  private:
    void append(std::string_view request) {
        const std::string line = std::string(request) + "\n";
        if (::write(journal_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            throw bulkhead::plugin::Error(1, "the journal cannot be written");
        }
    }

    int journal_;
};

}  // namespace

using bulkhead::plugin::idempotent;
using bulkhead::plugin::method;

BULKHEAD_PLUGIN(Witness, "witness", "1.0.0", method<&Witness::note>("note"),
                method<&Witness::note>("note_idempotent", idempotent), method<&Witness::hold>("hold"),
                method<&Witness::die>("die"), method<&Witness::die>("die_idempotent", idempotent),
                method<&Witness::answer_and_die>("answer_and_die"), method<&Witness::trace>("trace"),
                method<&Witness::close_output>("close_output"), method<&Witness::pid>("pid"))
