#include "attacker.hpp"

#include <charconv>
#include <csignal>

namespace bulkhead::demo {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

pid_t Attacker::ask() {
    pid_t pid = 0;
    const auto outcome = tallied(
        tally_, [&] { return faulty_.call("pid", ""); },
        [&](const Bytes& reply) {
            const std::string_view text = reply.text();
            return std::from_chars(text.data(), text.data() + text.size(), pid).ec == std::errc() && pid > 0;
        });
    return outcome ? pid : 0;
}

std::optional<std::chrono::nanoseconds> Attacker::strike(const Fault& fault) {
    const pid_t victim = ask();
    if (victim == 0) {
        complaint_ = "it does not answer before the fault";
        return std::nullopt;
    }
    const auto begin = std::chrono::steady_clock::now();
    if (!commit(fault, victim)) {
        return std::nullopt;
    }
    while (std::chrono::steady_clock::now() < begin + kPatience) {
        const pid_t successor = ask();
        if (successor != 0 && successor != victim) {
            return std::chrono::steady_clock::now() - begin;
        }
    }
    complaint_ = "no other worker answers in time";
    return std::nullopt;
}

bool Attacker::commit(const Fault& fault, pid_t victim) {
    if (fault.method.empty()) {
        return ::kill(victim, SIGKILL) == 0;
    }
    const auto outcome = tallied(
        tally_, [&] { return faulty_.call(fault.method, fault.request); }, [](const Bytes&) { return false; });
    if (outcome) {
        complaint_ = "a plugin that " + std::string(fault.name) + " answered";
        return false;
    }
    const Error& error = outcome.error();
    complaint_ = error.message;
    return error.code == ErrorCode::crashed && error.effect == Effect::unknown && error.report != nullptr &&
           is_report_of(*error.report, fault);
}

}  // namespace bulkhead::demo
