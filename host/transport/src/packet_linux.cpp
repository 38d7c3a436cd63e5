#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

#include "bulkhead/transport/packet.hpp"

namespace bulkhead::transport {
namespace {

constexpr std::size_t kMaxDescriptors = kMaxOrderDescriptors;

void adopt_descriptors(const msghdr& header, std::vector<Descriptor>& descriptors) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(const_cast<msghdr*>(&header), part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t index = 0; index < count; ++index) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(part) + index * sizeof(int), sizeof number);
            descriptors.emplace_back(number);
        }
    }
}

}  // namespace

Received receive_packet(int socket, Packet& packet, std::error_code& error, Blocking blocking) {
    alignas(cmsghdr) std::byte control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
    iovec part{packet.bytes, sizeof packet.bytes};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    error.clear();
    packet.descriptors.clear();
    packet.size = 0;
    ssize_t size = 0;
    do {
        size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | (blocking == Blocking::no ? MSG_DONTWAIT : 0));
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return Received::nothing;
        }
        if (errno == ECONNRESET) {  // the far end went away without reading all that was sent to it
            return Received::closed;
        }
        error = {errno, std::generic_category()};
        return Received::failed;
    }
    adopt_descriptors(header, packet.descriptors);
    if (size == 0) {
        return Received::closed;
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        // Cut descriptors mean that this process has none left.
        error = std::make_error_code((header.msg_flags & MSG_TRUNC) != 0 ? std::errc::message_size
                                                                         : std::errc::too_many_files_open);
        packet.size = static_cast<std::size_t>(size);
        return Received::failed;
    }
    packet.size = static_cast<std::size_t>(size);
    return Received::packet;
}

std::error_code send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors,
                            Blocking blocking) {
    alignas(cmsghdr) std::byte control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (bytes.empty() || bytes.size() > kMaxControlMessage) {  // an empty packet would read as "closed"
        return std::make_error_code(std::errc::message_size);
    }
    if (descriptors.size() > kMaxDescriptors) {
        return std::make_error_code(std::errc::argument_list_too_long);
    }
    if (!descriptors.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &header, MSG_NOSIGNAL | (blocking == Blocking::no ? MSG_DONTWAIT : 0));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? std::error_code(errno, std::generic_category()) : std::error_code();
}

}  // namespace bulkhead::transport
