// An HTTP client over loopback that can also misbehave.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::tests {

struct Response {
    unsigned status = 0;  // 0: none came
    boost::beast::http::response<boost::beast::http::string_body> message;

    std::string header(std::string_view name) const { return std::string(message[name]); }
    const std::string& body() const { return message.body(); }
    nlohmann::json json() const { return nlohmann::json::parse(body()); }
};

// One connection. What fails shows in what is returned: tests use clients in threads. One thread.
class HttpClient {
  public:
    explicit HttpClient(std::uint16_t port);

    bool send(std::string_view bytes);
    // `has_body` is false for the answer to a HEAD, whatever length it tells.
    Response read(bool has_body = true);
    Response head(const std::string& target) {
        return send("HEAD " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") ? read(false) : Response();
    }
    Response get(const std::string& target) { return request("GET", target, ""); }
    Response post(const std::string& target, std::string_view body) { return request("POST", target, body); }
    Response request(std::string_view method, const std::string& target, std::string_view body);
    // Waits until the server hangs up. False: it said something, or did not in time.
    bool sees_end();
    void hang_up() { stream_.close(); }

  private:
    boost::asio::io_context context_;
    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
};

// On a connection of its own.
Response get(std::uint16_t port, const std::string& target);
Response post(std::uint16_t port, const std::string& target, std::string_view body);

// The bytes of a request with a body of this size, without the body.
std::string post_header(const std::string& target, std::size_t size);

}  // namespace bulkhead::tests
