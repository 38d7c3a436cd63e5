#include "load.hpp"

#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <string>

namespace bulkhead::tests {

namespace {

std::string text_of(std::string_view caller, long turn) {
    std::string text = std::string(caller) + std::to_string(turn);
    text.resize(turn % 10 == 0 ? 5000 : text.size(), '.');  // some do not fit into a slot
    return text;
}

}  // namespace

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
    callers_.emplace_back([this] { echo(); });
    callers_.emplace_back([this] { echo_in_sessions(); });
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

void Load::note_worker(const result<Bytes>& outcome, std::string& worker) {
    echoer_.told.note(outcome);
    if (!outcome) {
        return;
    }
    if (!worker.empty() && outcome->text() != worker) {
        echoer_.told.note_wrong("a session of worker " + worker + " went on in " + std::string(outcome->text()));
    }
    worker = outcome->text();
}

void Load::echo() {
    for (long turn = 0; !stop_; ++turn) {
        const std::string text = text_of("e", turn);
        note_echo(echoer_.plugin.call("echo", text, impatient()), text);
    }
}

// All calls of a session reach one worker, until it is lost.
void Load::echo_in_sessions() {
    Session session = echoer_.plugin.session();
    std::string worker;
    for (long turn = 0; !stop_; ++turn) {
        const std::string text = text_of("s", turn);
        note_echo(session.call("echo", text, impatient()), text);
        note_worker(session.call("pid", "", impatient()), worker);
        if (session.lost()) {
            session = echoer_.plugin.session();
            worker.clear();
        }
    }
}

void Load::echo_asynchronously() {
    constexpr long kAtOnce = 8;
    for (long turn = 0; !stop_; turn += kAtOnce) {
        std::vector<std::future<result<Bytes>>> calls;
        for (long each = turn; each < turn + kAtOnce; ++each) {
            calls.push_back(
                echoer_.plugin.async_call("echo", text_of("a", each), impatient(), boost::asio::use_future));
        }
        for (std::size_t each = 0; each < calls.size(); ++each) {
            note_echo(calls[each].get(), text_of("a", turn + static_cast<long>(each)));
        }
    }
}

}  // namespace bulkhead::tests
