// What a peer is: another way to have a second process answer with the same bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace bulkhead::bench::peers {

// How both sides wait for each other.
enum class Waiting { spins, sleeps };

// Both sides of a peer, through its ordinary API; the destructor ends the answering process. One thread. A file each,
// and a program each, so that none has to bear another's threads and allocator.
class Messenger {
  public:
    virtual ~Messenger() = default;

    // There and back once. The reply is in memory that the caller could keep, and is valid until the next round trip.
    virtual std::string_view round_trip(std::string_view request) = 0;

    // A stopped answerer leaves its core to others. It answers only after `resume`.
    virtual void hold() = 0;
    virtual void resume() = 0;
};

struct Setup {
    Waiting waiting;
    int answering_core;
    std::size_t largest;  // message, in bytes
};

// Each program has its own. Throws std::runtime_error, with a sentence, when the peer cannot be had like this.
std::unique_ptr<Messenger> make_messenger(const Setup& setup);

// For those who have no other way than the kernel's.
inline void refuse_to_spin(const Setup& setup) {
    if (setup.waiting == Waiting::spins) {
        throw std::runtime_error("it cannot spin");
    }
}

}  // namespace bulkhead::bench::peers
