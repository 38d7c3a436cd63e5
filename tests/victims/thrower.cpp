// Throws where nobody catches, and crashes in a destructor that runs after main. Built without a build id.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "bulkhead/plugin/json.hpp"
#include "bulkhead/plugin/plugin.hpp"

namespace {

struct LastWord {
    bool crashes = false;
    // A sanitizer would end the process in its own way, before the fault is one.
    __attribute__((no_sanitize("undefined"), no_sanitize("address"))) ~LastWord() {
        if (crashes) {
            volatile std::uintptr_t nowhere = 0;
            *reinterpret_cast<volatile int*>(nowhere) = 1;
        }
    }
};
LastWord the_last_word;

[[gnu::noinline]] void throw_a_sentence(const std::string& text) { throw std::runtime_error(text); }

class Thrower {
  public:
    explicit Thrower(const nlohmann::json& config) { the_last_word.crashes = config.value("last_word", false); }

    // Request: what the exception says.
    void throw_in_thread(std::string_view request) {
        std::thread([text = std::string(request)] { throw_a_sentence(text); }).join();
    }

    // Answers with the signal that ends a child in which nobody catches.
    int throw_in_child() {
        const pid_t child = ::fork();
        if (child == 0) {
            const rlimit none{0, 0};
            ::setrlimit(RLIMIT_CORE, &none);
            [&]() noexcept { throw_a_sentence("in a child"); }();
        }
        int status = 0;
        return child > 0 && ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }

    void throw_a_number() {
        std::thread([] { throw 42; }).join();
    }

    void ask_for_too_much() {
        std::thread([] {
            volatile std::size_t size = std::numeric_limits<std::size_t>::max() / 4;
            ::operator delete(::operator new(size));
        }).join();
    }
};

}  // namespace

using bulkhead::plugin::method;

BULKHEAD_PLUGIN(Thrower, "thrower", "1.0.0", method<&Thrower::throw_in_thread>("throw_in_thread"),
                method<&Thrower::throw_in_child>("throw_in_child"), method<&Thrower::throw_a_number>("throw_a_number"),
                method<&Thrower::ask_for_too_much>("ask_for_too_much"))
