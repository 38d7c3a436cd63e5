// Plays a bulkhead-worker of another build: greets the host with something that is compiled in, then waits for its end.
#include <unistd.h>

#include <bulkhead/transport/build_stamp.hpp>
#include <bulkhead/transport/layout.hpp>
#include <bulkhead/transport/packet.hpp>
#include <cstring>

using namespace bulkhead::transport;

int main() {
    HelloMessage hello;
    hello.layout_version = kLayoutVersion;
    std::memcpy(hello.build_stamp, kBuildStamp, sizeof hello.build_stamp);
#if defined(FAKE_STAMP)
    std::memset(hello.build_stamp, '0', sizeof hello.build_stamp);
#elif defined(FAKE_LAYOUT)
    hello.layout_version = kLayoutVersion + 1;
#elif defined(FAKE_GREETING)
    hello.kind = ControlKind::blank;
#endif
    static_cast<void>(send_message(kGuardControlDescriptor, hello));
    Packet packet;
    std::error_code error;
    while (receive_packet(kGuardControlDescriptor, packet, error) == Received::packet) {
    }
}
