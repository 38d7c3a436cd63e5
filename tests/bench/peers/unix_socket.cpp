// A connected pair of Unix stream sockets; a message is its length and its bytes. Both sides sleep in the kernel. Not
// SOCK_SEQPACKET: a message of 1 MiB is too large for it.
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "child_process.hpp"
#include "messenger.hpp"

namespace bulkhead::bench::peers {
namespace {

[[noreturn]] void fail(const char* what) { throw std::runtime_error(what + std::string(std::strerror(errno))); }

class Stream {
  public:
    explicit Stream(int socket) : socket_(socket) {}

    void send(const char* data, std::uint64_t size) const {
        iovec parts[2] = {{&size, sizeof size}, {const_cast<char*>(data), size}};
        msghdr message = {};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        ssize_t sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
        for (std::size_t done = check(sent); done < sizeof size + size; done += check(sent)) {
            const std::size_t of_data = done - sizeof size;  // a socket's buffer takes more than the length at once
            sent = ::send(socket_, data + of_data, size - of_data, MSG_NOSIGNAL);
        }
    }

    std::size_t receive(std::vector<char>& into) const {
        std::uint64_t size = 0;
        iovec parts[2] = {{&size, sizeof size}, {into.data(), into.size()}};
        msghdr message = {};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        std::size_t got = check(::recvmsg(socket_, &message, 0)) - sizeof size;
        while (got < size) {
            got += check(::recv(socket_, into.data() + got, size - got, 0));
        }
        return size;
    }

  private:
    static std::size_t check(ssize_t count) {
        if (count <= 0) {
            fail("the socket is no use any more: ");
        }
        return static_cast<std::size_t>(count);
    }

    int socket_;
};

class SocketPair {
  public:
    SocketPair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) != 0) {
            fail("no socket: ");
        }
    }
    ~SocketPair() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;

    Stream caller() const { return Stream(ends_[0]); }
    Stream answerer() const { return Stream(ends_[1]); }

  private:
    int ends_[2];
};

class UnixSocket : public Messenger {
  public:
    explicit UnixSocket(const Setup& setup)
        : buffer_(setup.largest),
          answerer_(setup.answering_core, [this](const ChildProcess::Ready& ready) { answer(ready); }) {}

    std::string_view round_trip(std::string_view request) override {
        pair_.caller().send(request.data(), request.size());
        const std::size_t size = pair_.caller().receive(buffer_);
        return {buffer_.data(), size};
    }
    void hold() override { answerer_.hold(); }
    void resume() override { answerer_.resume(); }

  private:
    [[noreturn]] void answer(const ChildProcess::Ready& ready) {
        ready();
        while (true) {
            const std::size_t size = pair_.answerer().receive(buffer_);
            pair_.answerer().send(buffer_.data(), size);
        }
    }

    SocketPair pair_;
    std::vector<char> buffer_;
    ChildProcess answerer_;
};

}  // namespace

std::unique_ptr<Messenger> make_messenger(const Setup& setup) {
    refuse_to_spin(setup);
    return std::make_unique<UnixSocket>(setup);
}

}  // namespace bulkhead::bench::peers
