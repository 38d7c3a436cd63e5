#include "connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>
#include <string>

namespace bulkhead::server {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

// Errors as values: a client that goes away is no exception.
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// How long, and for how many bytes, a client is listened to that was answered before it had said all. Hanging up at
// once would take the answer away from it.
constexpr std::chrono::seconds kFarewell{2};
constexpr std::size_t kFarewellBytes = std::size_t{64} << 20;

// What a request that breaks the rules of HTTP is told.
Answer broken(beast::error_code error) {
    if (error == http::error::body_limit) {
        return refusal(http::status::payload_too_large, "too_large", "the body is larger than this server takes");
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return refusal(http::status::request_header_fields_too_large, "too_large",
                       "the header is larger than this server takes");
    }
    return refusal(http::status::bad_request, "bad_request", "this is not HTTP: " + error.message());
}

}  // namespace

asio::awaitable<void> Connection::serve() {
    // In this file no condition has a co_await in it: g++ 12 destroys its temporaries at the wrong time.
    for (bool open = true; open && !last_;) {
        open = co_await await_request();
        if (open) {
            open = co_await serve_request();
        }
    }
    beast::error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

asio::awaitable<void> Connection::turn_away() {
    last_ = true;
    co_await write_and_leave(overload("too many connections; come back in a second"), Form());
}

void Connection::finish() {
    last_ = true;
    if (idle_) {
        stream_.close();
    }
}

void Connection::cut() {
    last_ = true;
    cancellation_.emit(asio::cancellation_type::terminal);
    stream_.close();
}

asio::awaitable<bool> Connection::await_request() {
    if (buffer_.size() > 0) {
        co_return true;
    }
    stream_.expires_after(limits_.idle);
    idle_ = true;
    const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(4096), kToken);
    idle_ = false;
    buffer_.commit(size);
    co_return !error;
}

asio::awaitable<bool> Connection::serve_request() {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header));
    parser.body_limit(limits_.body);
    stream_.expires_after(limits_.header_time);
    const auto [error, size] = co_await http::async_read_header(stream_, buffer_, parser, kToken);
    if (error) {
        co_return co_await refuse_broken(error);
    }
    if (auto refused = routes_.refuse(parser.get().method(), parser.get().target())) {
        if (!parser.is_done()) {
            co_return co_await write_and_leave(*std::move(refused), form_for(parser));
        }
        co_return co_await write(*std::move(refused), form_for(parser));
    }
    const bool whole = co_await read_body(parser);
    if (!whole) {
        co_return false;
    }
    stream_.expires_never();
    Answer answer = co_await answer_to_all(parser);
    parser.get().body() = {};  // a picture that is not needed while its answer is on the way
    co_return co_await write(std::move(answer), form_for(parser));
}

// An answer also where something fails that nobody has thought of: the client is to blame for nothing.
asio::awaitable<Answer> Connection::answer_to_all(const Parser& parser) {
    std::string failure;
    try {
        co_return co_await routes_.answer(parser.get().target(), parser.get().body());
    } catch (const std::exception& error) {
        failure = error.what();
    }
    co_return refusal(http::status::internal_server_error, "failed", "this server failed: " + failure);
}

Connection::Form Connection::form_for(const Parser& parser) {
    return {parser.get().version(), parser.keep_alive(), parser.get().method() == http::verb::head};
}

asio::awaitable<bool> Connection::read_body(Parser& parser) {
    if (parser.is_done()) {
        co_return true;
    }
    stream_.expires_after(limits_.body_time);
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        const bool said = co_await say_continue();
        if (!said) {
            co_return false;
        }
    }
    const auto [error, size] = co_await http::async_read(stream_, buffer_, parser, kToken);
    if (error) {
        co_return co_await refuse_broken(error);
    }
    co_return true;
}

asio::awaitable<bool> Connection::say_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(kContinue), kToken);
    co_return !error;
}

asio::awaitable<bool> Connection::write(Answer answer, Form form) {
    routes_.count(answer.status);
    http::response<http::span_body<const char>> response(answer.status, form.version);
    response.set(http::field::server, "resize-server");
    response.set(http::field::content_type, answer.content_type);
    if (!answer.allow.empty()) {
        response.set(http::field::allow, answer.allow);
    }
    if (!answer.report.empty()) {
        response.set("X-Report", answer.report);
    }
    if (answer.retry_after) {
        response.set(http::field::retry_after, std::to_string(answer.retry_after->count()));
    }
    const std::string_view body = answer.body();
    response.body() = {body.data(), body.size()};
    response.keep_alive(form.keep_alive && !last_);
    response.prepare_payload();
    if (form.header_only) {
        response.body() = {};
    }
    stream_.expires_after(limits_.answer_time);
    const auto [error, size] = co_await http::async_write(stream_, response, kToken);
    co_return !error && response.keep_alive();
}

asio::awaitable<bool> Connection::write_and_leave(Answer answer, Form form) {
    form.keep_alive = false;
    co_await write(std::move(answer), form);
    beast::error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kFarewell);
    std::array<char, 16 * 1024> scrap;
    for (std::size_t heard = 0; heard < kFarewellBytes;) {
        const auto [error, size] = co_await stream_.async_read_some(asio::buffer(scrap), kToken);
        if (error) {
            break;
        }
        heard += size;
    }
    co_return false;
}

// Only what was said wrongly is answered; who went away or was too slow hears nothing.
asio::awaitable<bool> Connection::refuse_broken(beast::error_code error) {
    static const beast::error_code http_error = http::error::bad_method;
    const bool gone = error == http::error::end_of_stream || error == http::error::partial_message;
    if (gone || error.category() != http_error.category()) {
        co_return false;
    }
    co_return co_await write_and_leave(broken(error), Form());
}

}  // namespace bulkhead::server
