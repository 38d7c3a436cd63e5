// Counts in the memory of its worker. When the worker dies, the count starts again where the config says.
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

class Counter {
  public:
    Counter(const CounterConfig& config, bulkhead::plugin::Services services) : count_(config.start) {
        services.log(bulkhead::plugin::LogLevel::info) << "counting from " << count_;
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
    std::int64_t count_;
};

using bulkhead::plugin::idempotent;
using bulkhead::plugin::method;

// An increment that was tried again could count twice, so only `get` is idempotent.
BULKHEAD_PLUGIN(Counter, "counter", "1.0.0", method<&Counter::increment>("increment"),
                method<&Counter::get>("get", idempotent))
