// The step of `bulkhead check` that starts and stops the plugin again and again.
#include "examination.hpp"
#include "wording.hpp"

namespace bulkhead::cli {

bool check_life(Examination& examination) {
    using Clock = Examination::Clock;
    constexpr int kRounds = 10;
    const auto end = examination.end_of_step(0.2);
    std::chrono::nanoseconds longest_start{0};
    std::chrono::nanoseconds longest_stop{0};
    int rounds = 0;
    do {
        const auto begin = Clock::now();
        const auto plugin = examination.load();
        if (!plugin) {
            const std::string text = rounds == 0 ? plugin.error().message
                                                 : "it started " + counted(static_cast<std::size_t>(rounds), "time") +
                                                       ", and then not: " + plugin.error().message;
            examination.add(Verdict::finding, "start", text, {}, plugin.error().report);
            return rounds > 0;
        }
        const auto ready = Clock::now();
        examination.unload();
        longest_start = std::max<std::chrono::nanoseconds>(longest_start, ready - begin);
        longest_stop = std::max<std::chrono::nanoseconds>(longest_stop, Clock::now() - ready);
        ++rounds;
    } while (rounds < kRounds && Clock::now() < end);
    examination.add(Verdict::good, "start",
                    "plugin ABI " + std::to_string(BULKHEAD_PLUGIN_ABI) + "; started and stopped " +
                        counted(static_cast<std::size_t>(rounds), "time") + ", in at most " + shown(longest_start) +
                        " and " + shown(longest_stop));
    return true;
}

}  // namespace bulkhead::cli
