#include "bulkhead/transport/packet.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "support/child.hpp"

namespace bulkhead::transport {
namespace {

struct Sockets {
    Descriptor near;
    Descriptor far;
};

Sockets connected(int flags = 0) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, ends.data()) == 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

ino_t file_of(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

std::vector<Descriptor> temporary_files(std::size_t count) {
    std::vector<Descriptor> files;
    for (std::size_t index = 0; index < count; ++index) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        files.emplace_back(ends[0]);
        ::close(ends[1]);
    }
    return files;
}

std::vector<int> numbers_of(const std::vector<Descriptor>& files) {
    std::vector<int> numbers;
    std::transform(files.begin(), files.end(), std::back_inserter(numbers),
                   [](const Descriptor& file) { return file.get(); });
    return numbers;
}

TEST_CASE("a message arrives as it was sent and only as what it is") {
    const Sockets sockets = connected();
    StartMessage sent;
    sent.incarnation = 7;
    sent.worker_cell = 3;
    REQUIRE_FALSE(send_message(sockets.near.get(), sent));
    Packet packet;
    std::error_code error;
    REQUIRE(receive_packet(sockets.far.get(), packet, error) == Received::packet);
    CHECK(packet.kind() == ControlKind::start);
    CHECK(packet.descriptors.empty());
    const auto message = packet.as<StartMessage>();
    REQUIRE(message);
    CHECK(message->incarnation == 7);
    CHECK(message->worker_cell == 3);
    CHECK_FALSE(packet.as<ExitedMessage>());
}

TEST_CASE("as many descriptors as an order may have travel in order and close on exec") {
    const Sockets sockets = connected();
    const std::vector<Descriptor> files = temporary_files(kMaxOrderDescriptors);
    const std::vector<int> numbers = numbers_of(files);
    REQUIRE_FALSE(send_message(sockets.near.get(), StartMessage{}, numbers));
    Packet packet;
    std::error_code error;
    REQUIRE(receive_packet(sockets.far.get(), packet, error) == Received::packet);
    REQUIRE(packet.descriptors.size() == files.size());
    for (std::size_t index = 0; index < files.size(); ++index) {
        CHECK(file_of(packet.descriptors[index].get()) == file_of(files[index].get()));
        CHECK(packet.descriptors[index].get() != files[index].get());
        CHECK((::fcntl(packet.descriptors[index].get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("a packet that is received again has let go of its former descriptors") {
    const Sockets sockets = connected();
    const std::vector<Descriptor> files = temporary_files(1);
    const std::vector<int> numbers = numbers_of(files);
    REQUIRE_FALSE(send_message(sockets.near.get(), StartMessage{}, numbers));
    REQUIRE_FALSE(send_message(sockets.near.get(), HelloMessage{}));
    Packet packet;
    std::error_code error;
    REQUIRE(receive_packet(sockets.far.get(), packet, error) == Received::packet);
    const int received = packet.descriptors.at(0).get();
    REQUIRE(receive_packet(sockets.far.get(), packet, error) == Received::packet);
    CHECK(packet.kind() == ControlKind::hello);
    CHECK(packet.descriptors.empty());
    CHECK(::fcntl(received, F_GETFD) == -1);
}

TEST_CASE("what does not fit into a packet is not sent") {
    const Sockets sockets = connected(SOCK_NONBLOCK);
    const std::array<std::byte, kMaxControlMessage + 1> bytes{};
    const std::vector<int> numbers(kMaxOrderDescriptors + 1, sockets.near.get());
    CHECK(send_packet(sockets.near.get(), bytes, {}) == std::errc::message_size);
    CHECK(send_packet(sockets.near.get(), {}, {}) == std::errc::message_size);
    CHECK(send_packet(sockets.near.get(), std::span(bytes).first(4), numbers) == std::errc::argument_list_too_long);
    Packet packet;
    std::error_code error;
    CHECK(receive_packet(sockets.far.get(), packet, error) == Received::nothing);
    CHECK_FALSE(error);
}

TEST_CASE("a packet over the largest message is refused and the next one is whole") {
    const Sockets sockets = connected();
    const std::array<std::byte, kMaxControlMessage + 1> bytes{};
    REQUIRE(::send(sockets.near.get(), bytes.data(), bytes.size(), 0) == bytes.size());
    REQUIRE_FALSE(send_message(sockets.near.get(), HelloMessage{}));
    Packet packet;
    std::error_code error;
    CHECK(receive_packet(sockets.far.get(), packet, error) == Received::failed);
    CHECK(error == std::errc::message_size);
    CHECK(receive_packet(sockets.far.get(), packet, error) == Received::packet);
    CHECK_FALSE(error);
    CHECK(packet.as<HelloMessage>());
}

TEST_CASE("a packet too short for a kind has none") {
    const Sockets sockets = connected();
    REQUIRE(::send(sockets.near.get(), "abc", 3, 0) == 3);
    Packet packet;
    std::error_code error;
    REQUIRE(receive_packet(sockets.far.get(), packet, error) == Received::packet);
    CHECK(packet.kind() == ControlKind{});
    CHECK_FALSE(packet.as<HelloMessage>());
}

TEST_CASE("a closed far end is told after its last packet and sending to it is an error") {
    Sockets sockets = connected();
    REQUIRE_FALSE(send_message(sockets.near.get(), HelloMessage{}));
    sockets.near.reset();
    Packet packet;
    std::error_code error;
    CHECK(receive_packet(sockets.far.get(), packet, error) == Received::packet);
    CHECK(receive_packet(sockets.far.get(), packet, error) == Received::closed);
    CHECK_FALSE(error);
    CHECK(send_message(sockets.far.get(), HelloMessage{}) == std::errc::broken_pipe);
}

TEST_CASE("a far end that went away with unread packets is closed as well") {
    Sockets sockets = connected();
    REQUIRE_FALSE(send_message(sockets.far.get(), HelloMessage{}));
    sockets.near.reset();
    Packet packet;
    std::error_code error;
    CHECK(receive_packet(sockets.far.get(), packet, error) == Received::closed);
    CHECK_FALSE(error);
}

TEST_CASE("a socket that is none is an error") {
    Packet packet;
    std::error_code error;
    CHECK(receive_packet(-1, packet, error) == Received::failed);
    CHECK(error == std::errc::bad_file_descriptor);
}

TEST_CASE("a receiver without enough free descriptors says so and keeps none of them") {
    const Sockets sockets = connected();
    const std::vector<Descriptor> files = temporary_files(3);
    const std::vector<int> numbers = numbers_of(files);
    REQUIRE_FALSE(send_message(sockets.near.get(), StartMessage{}, numbers));
    testing::Child receiver([&]() -> std::string {
        const int next = ::dup(sockets.near.get());
        ::close(next);
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = static_cast<rlim_t>(next) + 2;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        std::error_code error;
        {
            Packet packet;
            if (receive_packet(sockets.far.get(), packet, error) != Received::failed) {
                return "it was received";
            }
        }
        if (error != std::errc::too_many_files_open) {
            return "the error is: " + error.message();
        }
        const Descriptor after(::dup(sockets.near.get()));
        return after.get() == next ? "" : "a descriptor leaked";
    });
    CHECK(receiver.outcome() == "");
}

}  // namespace
}  // namespace bulkhead::transport
