#include "server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace bulkhead::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// After a failure to accept, such as no descriptor left.
constexpr std::chrono::milliseconds kPause{100};
// Connections over the limit are told so; of those that come faster than that can be said, the rest is hung up on.
constexpr std::size_t kTurnedAway = 32;

tcp::acceptor listen(asio::io_context& context, const Options& options) {
    try {
        return {context, tcp::endpoint(asio::ip::make_address(options.address), options.port)};
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error("cannot listen on " + options.address + " port " + std::to_string(options.port) +
                                 ": " + error.code().message());
    }
}

}  // namespace

Server::Server(asio::io_context& context, const Options& options, Routes& routes)
    : context_(context),
      limits_(options.limits),
      routes_(routes),
      acceptor_(listen(context, options)),
      signals_(context, SIGINT, SIGTERM),
      patience_(context) {}

void Server::start() {
    asio::co_spawn(context_, accept(), asio::detached);
    asio::co_spawn(context_, await_signals(), asio::detached);
}

asio::awaitable<void> Server::accept() {
    while (!stopping_) {
        auto [error, socket] = co_await acceptor_.async_accept(kToken);
        if (stopping_) {
            break;  // it came together with the signal
        }
        if (!error) {
            take(std::move(socket));
        } else {
            patience_.expires_after(kPause);
            co_await patience_.async_wait(kToken);
        }
    }
}

asio::awaitable<void> Server::await_signals() {
    const auto [no_first, first] = co_await signals_.async_wait(kToken);
    if (no_first) {
        co_return;
    }
    stop();
    const auto [no_second, second] = co_await signals_.async_wait(kToken);
    if (!no_second) {
        cut_all();
    }
}

void Server::take(Socket socket) {
    const bool room = served_.size() < limits_.connections;
    if (!room && turned_away_.size() >= kTurnedAway) {
        return;
    }
    std::list<Connection>& list = room ? served_ : turned_away_;
    const auto connection = list.emplace(list.end(), std::move(socket), limits_, routes_);
    routes_.set_connections(served_.size());
    // Posted: the coroutine that ends here still has a look at the connection's cancellation.
    auto end = [this, &list, connection](const std::exception_ptr&) {
        asio::post(context_, [this, &list, connection] { ended(list, connection); });
    };
    asio::co_spawn(context_, room ? connection->serve() : connection->turn_away(),
                   asio::bind_cancellation_slot(connection->cancellation(), std::move(end)));
}

void Server::ended(std::list<Connection>& list, std::list<Connection>::iterator connection) {
    list.erase(connection);
    routes_.set_connections(served_.size());
    if (stopping_ && empty()) {
        patience_.cancel();
        signals_.cancel();
    }
}

void Server::stop() {
    stopping_ = true;
    acceptor_.close();
    for (Connection& connection : served_) {
        connection.finish();
    }
    if (empty()) {
        asio::post(context_, [this] { signals_.cancel(); });
        return;
    }
    patience_.expires_after(limits_.stop_time);
    patience_.async_wait([this](boost::system::error_code error) {
        if (!error) {
            cut_all();
        }
    });
}

void Server::cut_all() {
    for (std::list<Connection>* list : {&served_, &turned_away_}) {
        for (Connection& connection : *list) {
            connection.cut();
        }
    }
}

}  // namespace bulkhead::server
