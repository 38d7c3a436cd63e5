#include "load.hpp"

#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <string>

namespace bulkhead::tests {

CallOptions impatient() {
    CallOptions options;
    options.timeout = std::chrono::milliseconds(500);
    options.when_unavailable = WhenUnavailable::wait;
    return options;
}

Load::Load(Soaked& keeper, Soaked& counter, Soaked& echoer) : echoer_(echoer) {
    callers_.emplace_back([&] { count_up(keeper, "add", "1"); });
    callers_.emplace_back([&] { count_up(keeper, "add_later", "1"); });
    callers_.emplace_back([&] { count_up(counter, "increment", "{}"); });
    callers_.emplace_back([this] { echo(1, false); });
    callers_.emplace_back([this] { echo(2, true); });
    callers_.emplace_back([this] { echo_asynchronously(); });
}

void Load::stop() {
    stop_ = true;
    for (std::thread& caller : callers_) {
        caller.join();
    }
    callers_.clear();
}

void Load::count_up(Soaked& soaked, const char* method, const char* request) {
    while (!stop_) {
        soaked.told.note_increment(soaked.plugin.call(method, request, impatient()));
    }
}

void Load::note_echo(const result<Bytes>& outcome, std::string_view request) {
    echoer_.told.note(outcome);
    if (outcome && outcome->text() != request) {
        echoer_.told.note_wrong("the reply to " + std::string(request) + " is " + std::string(outcome->text()));
    }
}

void Load::echo(int caller, bool in_session) {
    Session session = echoer_.plugin.session();
    for (long turn = 0; !stop_; ++turn) {
        std::string text = std::to_string(caller) + "." + std::to_string(turn);
        text.resize(turn % 10 == 0 ? 5000 : text.size(), '.');  // some do not fit into a slot
        note_echo(in_session ? session.call("echo", text, impatient()) : echoer_.plugin.call("echo", text, impatient()),
                  text);
        if (session.lost()) {
            session = echoer_.plugin.session();
        }
    }
}

void Load::echo_asynchronously() {
    constexpr long kAtOnce = 8;
    const auto text_of = [](long turn) { return "a" + std::to_string(turn); };
    for (long turn = 0; !stop_; turn += kAtOnce) {
        std::vector<std::future<result<Bytes>>> calls;
        for (long each = turn; each < turn + kAtOnce; ++each) {
            calls.push_back(echoer_.plugin.async_call("echo", text_of(each), impatient(), boost::asio::use_future));
        }
        for (std::size_t each = 0; each < calls.size(); ++each) {
            note_echo(calls[each].get(), text_of(turn + static_cast<long>(each)));
        }
    }
}

}  // namespace bulkhead::tests
