// Listens and keeps the connections.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <list>

#include "connection.hpp"
#include "options.hpp"
#include "routes.hpp"

namespace bulkhead::server {

// All on the thread that runs the context. The context runs dry once the server was stopped and the last connection
// has ended.
class Server {
  public:
    // Listens. Throws std::runtime_error.
    Server(boost::asio::io_context& context, const Options& options, Routes& routes);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    // Takes connections, and stops at SIGINT or SIGTERM.
    void start();

  private:
    using Socket = boost::asio::ip::tcp::socket;

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> await_signals();
    void take(Socket socket);
    void stop();
    void cut_all();
    void ended(std::list<Connection>& list, std::list<Connection>::iterator connection);
    bool empty() const { return served_.empty() && turned_away_.empty(); }

    boost::asio::io_context& context_;
    const Limits& limits_;
    Routes& routes_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer patience_;  // between attempts to accept; after stop() until connections are cut
    std::list<Connection> served_;
    std::list<Connection> turned_away_;  // are being told so
    bool stopping_ = false;
};

}  // namespace bulkhead::server
