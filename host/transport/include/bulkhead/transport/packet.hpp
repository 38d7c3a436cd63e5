// Sending and receiving one control message with descriptors over a SOCK_SEQPACKET socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>
#include <type_traits>
#include <vector>

#include "bulkhead/transport/descriptor.hpp"
#include "bulkhead/transport/launch_protocol.hpp"

namespace bulkhead::transport {

// One received packet. Owns its descriptors (close-on-exec).
struct Packet {
    std::byte bytes[kMaxControlMessage];
    std::size_t size = 0;
    std::vector<Descriptor> descriptors;

    ControlKind kind() const noexcept {
        ControlKind result{};
        std::memcpy(&result, bytes, size >= sizeof result ? sizeof result : 0);
        return result;
    }
    // The content as a message type; empty when the size does not fit.
    template <typename T>
    std::optional<T> as() const noexcept {
        static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kMaxControlMessage);
        if (size != sizeof(T)) {
            return std::nullopt;
        }
        T message;
        std::memcpy(&message, bytes, sizeof message);
        return message;
    }
};

enum class Blocking : bool { no, yes };

enum class Received { packet, nothing, closed, failed };

// Takes the next packet. `nothing`: there is none and it must not block. `closed`: nobody holds the far end.
// `failed` with too_many_files_open: the bytes are there, descriptors were lost.
Received receive_packet(int socket, Packet& packet, std::error_code& error, Blocking blocking = Blocking::yes);

// The kernel had no memory for a message: it may have some after a pause.
inline bool is_shortage(const std::error_code& error) noexcept {
    return error == std::errc::no_buffer_space || error == std::errc::not_enough_memory;
}
inline constexpr int kShortagePause = 10;  // milliseconds

// Fails with operation_would_block when the socket is full and it must not block.
std::error_code send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors,
                            Blocking blocking = Blocking::yes);

template <typename T>
std::error_code send_message(int socket, const T& message, std::span<const int> descriptors = {},
                             Blocking blocking = Blocking::yes) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kMaxControlMessage);
    return send_packet(socket, std::as_bytes(std::span(&message, 1)), descriptors, blocking);
}

}  // namespace bulkhead::transport
