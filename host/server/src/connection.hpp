// One client's connection.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>

#include "answer.hpp"
#include "options.hpp"
#include "routes.hpp"

namespace bulkhead::server {

// Reads requests and answers them one after the other. All on one thread.
class Connection {
  public:
    Connection(boost::asio::ip::tcp::socket socket, const Limits& limits, Routes& routes)
        : stream_(std::move(socket)), buffer_(limits.header + kSlack), limits_(limits), routes_(routes) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Until the client goes, breaks the rules, is too slow, or the server stops.
    boost::asio::awaitable<void> serve();
    // Says that there are too many connections, and ends.
    boost::asio::awaitable<void> turn_away();

    // Ends it after the request that is under way; at once when there is none.
    void finish();
    // Ends it now. A call of the plugin is cancelled.
    void cut();
    boost::asio::cancellation_slot cancellation() { return cancellation_.slot(); }

  private:
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
    static constexpr std::size_t kSlack = 64 * 1024;  // of a body, beside a header

    // How an answer is to be written, as its request has it.
    struct Form {
        unsigned version = 11;  // of HTTP
        bool keep_alive = false;
        bool header_only = false;  // for HEAD, which is told how large the body would be
    };
    static Form form_for(const Parser& parser);

    // All false: the connection is at its end.
    boost::asio::awaitable<bool> await_request();
    boost::asio::awaitable<bool> serve_request();
    boost::asio::awaitable<bool> read_body(Parser& parser);
    boost::asio::awaitable<bool> say_continue();
    boost::asio::awaitable<Answer> answer_to_all(const Parser& parser);
    boost::asio::awaitable<bool> write(Answer answer, Form form);

    // Answers a request of which not all was read, and hangs up.
    boost::asio::awaitable<bool> write_and_leave(Answer answer, Form form);
    boost::asio::awaitable<bool> refuse_broken(boost::beast::error_code error);

    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
    const Limits& limits_;
    Routes& routes_;
    boost::asio::cancellation_signal cancellation_;
    bool idle_ = false;  // between requests
    bool last_ = false;  // no further request is read
};

}  // namespace bulkhead::server
