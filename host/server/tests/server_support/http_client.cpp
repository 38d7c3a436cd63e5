#include "server_support/http_client.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "support/until.hpp"

namespace bulkhead::tests {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::uint64_t kLargestBody = 256 << 20;

// Runs one asynchronous operation, which the stream's timer bounds.
template <typename Start>
boost::system::error_code complete(asio::io_context& context, boost::beast::tcp_stream& stream, Start&& start) {
    boost::system::error_code result;
    stream.expires_after(kPatience);
    start([&result](boost::system::error_code error, auto&&...) { result = error; });
    context.restart();
    context.run();
    return result;
}

}  // namespace

HttpClient::HttpClient(std::uint16_t port) : stream_(context_) {
    complete(context_, stream_, [&](auto&& done) {
        stream_.async_connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port), done);
    });
}

bool HttpClient::send(std::string_view bytes) {
    return !complete(context_, stream_, [&](auto&& done) { asio::async_write(stream_, asio::buffer(bytes), done); });
}

Response HttpClient::read(bool has_body) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(kLargestBody);
    parser.skip(!has_body);
    const auto error =
        complete(context_, stream_, [&](auto&& done) { http::async_read(stream_, buffer_, parser, done); });
    Response response;
    if (!error) {
        response.message = parser.release();
        response.status = response.message.result_int();
    }
    return response;
}

Response HttpClient::request(std::string_view method, const std::string& target, std::string_view body) {
    std::string header(method);
    header += " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    header += body.empty() ? "\r\n" : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    // A server that has heard enough answers before all was said.
    static_cast<void>(send(header) && send(body));
    return read();
}

bool HttpClient::sees_end() {
    std::array<char, 1> byte{};
    const auto error =
        complete(context_, stream_, [&](auto&& done) { stream_.async_read_some(asio::buffer(byte), done); });
    return error == asio::error::eof || error == asio::error::connection_reset;
}

Response get(std::uint16_t port, const std::string& target) { return HttpClient(port).get(target); }

Response post(std::uint16_t port, const std::string& target, std::string_view body) {
    return HttpClient(port).post(target, body);
}

std::string post_header(const std::string& target, std::size_t size) {
    return "POST " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

}  // namespace bulkhead::tests
