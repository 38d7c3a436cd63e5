#include "border.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;

namespace {

void expect(bool holds, const char* sentence) {
    if (!holds) {
        throw std::logic_error(sentence);
    }
}

}  // namespace

// The library throws; the server's own copy of the type catches.
void check_exceptions(const bulkhead::Plugin& talker) {
    bool caught = false;
    try {
        talker.call("fail", "no words").value();
    } catch (const bulkhead::BadResult& bad) {
        caught = bad.error().plugin_number == 7 && bad.error().code == bulkhead::ErrorCode::plugin_failed;
    }
    expect(caught, "BadResult is not caught by its type");

    caught = false;
    try {
        talker.call("no_such_method", "").value();
    } catch (const std::runtime_error& error) {
        caught = dynamic_cast<const bulkhead::BadResult*>(&error) != nullptr;
    }
    expect(caught, "BadResult is not caught by its base, or not recognized there");
}

void check_json(const bulkhead::Plugin& talker) {
    expect(talker.call_json("quote", 5).value() == nlohmann::json("5"), "JSON does not come across");
    const auto no_json = talker.call_json("quote", "\"");
    expect(!no_json && no_json.error().plugin_number == 0, "a reply that is no JSON is taken for JSON");
}

void check_completion_tokens(const bulkhead::Plugin& talker) {
    auto future = talker.async_call("greet", "future", {}, asio::use_future);
    expect(future.get().value().text() == "Hello, future!", "use_future");

    // The handler runs in the server's context, which is another copy of Asio's templates than the library's.
    asio::io_context io;
    std::string said;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            for (const char* name : {"a", "coroutine"}) {
                const auto reply = co_await talker.async_call("greet", name, {}, asio::use_awaitable);
                said = reply.value().text();
                expect(io.get_executor().running_in_this_thread(), "the coroutine goes on in another thread");
            }
        },
        [](const std::exception_ptr& failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
    io.run();
    expect(said == "Hello, coroutine!", "use_awaitable");

    std::promise<std::string> inline_reply;
    talker.async_call("greet", "inline", {},
                      asio::bind_executor(asio::system_executor(), [&](bulkhead::result<bulkhead::Bytes> reply) {
                          inline_reply.set_value(std::string(reply.value().text()));
                      }));
    expect(inline_reply.get_future().get() == "Hello, inline!", "a handler that is bound to system_executor");
}

void check_cancellation(const bulkhead::Plugin& talker) {
    asio::io_context io;
    asio::cancellation_signal signal;
    auto code = bulkhead::ErrorCode::invalid_argument;
    talker.async_call(
        "be_silent", "", {},
        asio::bind_cancellation_slot(
            signal.slot(), asio::bind_executor(io.get_executor(), [&](bulkhead::result<bulkhead::Bytes> reply) {
                code = reply.error().code;
            })));
    signal.emit(asio::cancellation_type::all);
    io.run();
    expect(code == bulkhead::ErrorCode::cancelled, "a cancellation slot");
}

void check_reports(const bulkhead::Plugin& talker) {
    const bulkhead::Session session = talker.session();
    expect(session.call("greet", "session").value().text() == "Hello, session!", "a call of a session");
    const auto reply = talker.call("die", "");
    expect(!reply && reply.error().code == bulkhead::ErrorCode::crashed, "a crash is not reported as one");
    const auto& report = reply.error().report;
    expect(report && report->clause().find("SIGABRT") != std::string::npos, "the report does not say SIGABRT");
    expect(talker.call("greet", "again").value().text() == "Hello, again!", "the plugin is not back");
    const auto lost = session.async_call("greet", "late", {}, asio::use_future).get();
    expect(!lost && lost.error().code == bulkhead::ErrorCode::session_lost, "a session outlives its worker");
    expect(talker.stats().deaths == 1, "the death is not counted");
    expect(talker.stats().latency.quantile(0.5).count() > 0, "the latency is not counted");
}
