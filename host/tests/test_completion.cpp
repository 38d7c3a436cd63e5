#include "bulkhead/host/completion.hpp"

#include <doctest/doctest.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <optional>
#include <string>
#include <thread>

namespace bulkhead::detail {
namespace {

namespace asio = boost::asio;

result<Bytes> hello() { return Bytes(std::as_bytes(std::span("hello", 5))); }

// Remembers what it was called with.
struct Heard {
    int times = 0;
    std::string text;
    std::thread::id where;

    auto handler() {
        return [this](result<Bytes> outcome) {
            ++times;
            text = outcome ? std::string(outcome->text()) : outcome.error().message;
            where = std::this_thread::get_id();
        };
    }
};

TEST_CASE("a handler without an executor of its own runs on the fallback") {
    asio::io_context fallback;
    Heard heard;
    const auto completion = make_completion(heard.handler(), asio::any_io_executor(fallback.get_executor()),
                                            std::make_shared<CancelTicket>());
    completion->complete(hello(), false);
    CHECK(heard.times == 0);
    CHECK(fallback.run() > 0);
    CHECK(heard.times == 1);
    CHECK(heard.text == "hello");
}

TEST_CASE("a handler runs on its associated executor") {
    asio::io_context fallback;
    asio::io_context own;
    Heard heard;
    const auto completion =
        make_completion(asio::bind_executor(own.get_executor(), heard.handler()),
                        asio::any_io_executor(fallback.get_executor()), std::make_shared<CancelTicket>());
    completion->complete(Error{ErrorCode::stopped, Effect::none, 0, "it was stopped", nullptr}, true);
    CHECK(fallback.run() == 0);
    CHECK(own.run() > 0);
    CHECK(heard.text == "it was stopped");
}

TEST_CASE("the executor of a call in flight has work") {
    asio::io_context own;
    Heard heard;
    auto completion = make_completion(asio::bind_executor(own.get_executor(), heard.handler()),
                                      asio::any_io_executor(own.get_executor()), std::make_shared<CancelTicket>());
    std::thread runner([&own] { own.run(); });
    completion->complete(hello(), false);
    completion.reset();
    runner.join();
    CHECK(heard.times == 1);
}

TEST_CASE("a handler never runs inside the call that completes it, not even in its executor's own thread") {
    asio::io_context own;
    Heard heard;
    const auto completion =
        make_completion(asio::bind_executor(own.get_executor(), heard.handler()),
                        asio::any_io_executor(own.get_executor()), std::make_shared<CancelTicket>());
    asio::post(own, [&] {
        completion->complete(hello(), false);
        CHECK(heard.times == 0);
    });
    own.run();
    CHECK(heard.times == 1);
}

TEST_CASE("a handler that is bound to the system executor runs inline, unless it must not") {
    const asio::any_io_executor fallback = asio::system_executor();
    Heard heard;
    const auto inline_handler = asio::bind_executor(asio::system_executor(), heard.handler());
    make_completion(inline_handler, fallback, std::make_shared<CancelTicket>())->complete(hello(), false);
    CHECK(heard.times == 1);
    CHECK(heard.where == std::this_thread::get_id());
}

TEST_CASE("a cancellation that comes before there is a call is not forgotten") {
    CancelTicket ticket;
    CHECK_FALSE(ticket.cancelled());
    ticket.cancel();
    CHECK(ticket.cancelled());
    ticket.attach({});
    CHECK(ticket.cancelled());
    ticket.cancel();  // nobody is there; twice is fine
}

TEST_CASE("emitting the handler's cancellation slot cancels the ticket") {
    asio::io_context fallback;
    asio::cancellation_signal signal;
    Heard heard;
    const auto ticket = std::make_shared<CancelTicket>();
    const auto completion = make_completion(asio::bind_cancellation_slot(signal.slot(), heard.handler()),
                                            asio::any_io_executor(fallback.get_executor()), ticket);
    CHECK_FALSE(ticket->cancelled());
    signal.emit(asio::cancellation_type::terminal);
    CHECK(ticket->cancelled());
    completion->complete(hello(), false);
    fallback.run();
    CHECK(heard.times == 1);
}

TEST_CASE("once the handler runs, its slot is empty and can serve the next operation") {
    asio::io_context fallback;
    asio::cancellation_signal signal;
    const auto ticket = std::make_shared<CancelTicket>();
    std::optional<bool> had_handler;
    auto handler = [&](const result<Bytes>&) { had_handler = signal.slot().has_handler(); };
    const auto completion = make_completion(asio::bind_cancellation_slot(signal.slot(), std::move(handler)),
                                            asio::any_io_executor(fallback.get_executor()), ticket);
    CHECK(signal.slot().has_handler());
    completion->complete(hello(), false);
    CHECK(signal.slot().has_handler());  // it may be emitted where the handler runs until then
    fallback.run();
    CHECK(had_handler == false);
    signal.emit(asio::cancellation_type::terminal);
    CHECK_FALSE(ticket->cancelled());
}

}  // namespace
}  // namespace bulkhead::detail
