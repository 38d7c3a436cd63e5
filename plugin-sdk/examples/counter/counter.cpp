// Counts, and goes on counting after its worker died: with "every_calls": 1 in the manifest's "state" each answer waits
// for the checkpoint that has its count in it.
#include <bulkhead/plugin/json.hpp>
#include <bulkhead/plugin/plugin.hpp>
#include <cstdint>

struct CounterConfig {
    std::int64_t start = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CounterConfig, start)

struct Increment {
    std::int64_t by = 1;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Increment, by)

struct CounterState {
    std::int64_t count = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CounterState, count)

class Counter {
  public:
    static constexpr std::uint32_t state_version = 1;

    Counter(const CounterConfig& config, bulkhead::plugin::Services services)
        : services_(services), count_(config.start) {
        services_.log(bulkhead::plugin::LogLevel::info) << "counting from " << count_;
    }

    CounterState save() const { return {count_}; }
    void load(const CounterState& state) {
        count_ = state.count;
        services_.log(bulkhead::plugin::LogLevel::info) << "going on from " << count_;
    }

    std::int64_t increment(const Increment& request) {
        std::int64_t sum = 0;
        if (__builtin_add_overflow(count_, request.by, &sum)) {
            throw bulkhead::plugin::Error(1, "the count does not fit into 64 bits");
        }
        return count_ = sum;
    }
    std::int64_t get() const { return count_; }

  private:
    bulkhead::plugin::Services services_;
    std::int64_t count_;
};

using bulkhead::plugin::idempotent;
using bulkhead::plugin::method;

// An increment that was tried again could count twice, so only `get` is idempotent.
BULKHEAD_PLUGIN(Counter, "counter", "1.0.0", method<&Counter::increment>("increment"),
                method<&Counter::get>("get", idempotent))
