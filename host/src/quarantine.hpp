// Requests that are refused because they kill workers.
#pragma once

#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstdint>
#include <unordered_map>

namespace bulkhead::detail {

// What makes two requests equal. `hash` is of the payload: 64 good bits, with a seed of the host's own, so that nobody
// can make a request that bars another one.
struct RequestKey {
    std::uint64_t hash = 0;
    std::uint64_t length = 0;
    std::uint16_t method = 0;

    bool operator==(const RequestKey&) const = default;
};

struct QuarantineSettings {
    std::uint32_t deaths = 2;  // so many put a request into quarantine; 0: none ever
    std::chrono::milliseconds duration =
        std::chrono::minutes(10);  // from the last death; also how long one is remembered
};

// Remembers which requests were running when workers died, the last 1024 of them. Reads no clock; times must not go
// back. Guarded by the lane's mutex.
//
// A call asks `refuses_any` before it makes a key: the answer is nearly always no, and costs one comparison.
class Quarantine {
  public:
    static constexpr std::size_t kMost = 1024;

    explicit Quarantine(const QuarantineSettings& settings) noexcept : settings_(settings) {}

    bool refuses_any() const noexcept { return quarantined_ != 0; }
    bool is_quarantined(const RequestKey& key, transport::SteadyTime now) { return refuses_any() && look_up(key, now); }

    // A worker died while it ran this request. Returns how many did, this one included.
    std::uint32_t charge(const RequestKey& key, transport::SteadyTime now);

    void clear() noexcept;

  private:
    struct Hash {
        std::size_t operator()(const RequestKey& key) const noexcept {
            return static_cast<std::size_t>(key.hash ^ (key.length * 0x9E3779B97F4A7C15U) ^ key.method);
        }
    };
    struct Record {
        std::uint32_t deaths = 0;
        std::uint64_t order = 0;      // grows with each charge
        transport::SteadyTime until;  // forgotten from then on
    };
    using Records = std::unordered_map<RequestKey, Record, Hash>;

    bool look_up(const RequestKey& key, transport::SteadyTime now);
    bool barred(const Record& record) const noexcept {
        return settings_.deaths != 0 && record.deaths >= settings_.deaths;
    }
    Records::iterator forget(Records::iterator record);
    void forget_expired(transport::SteadyTime now);
    void make_room();

    QuarantineSettings settings_;
    Records records_;
    std::size_t quarantined_ = 0;  // of the records
    std::uint64_t charges_ = 0;
    transport::SteadyTime last_until_;  // of all records
};

}  // namespace bulkhead::detail
