// load: what 1,000 plugins cost: the time to load them, memory, descriptors of the server, and CPU while nobody calls.
//
// Memory is the PSS of everybody: the workers, guard, fork server and blank, and by how much the server itself grew,
// with its ends of the channels. The reference counts the bare fork server, its processes and the growth of the server
// alike. A round has one crowd of each kind, never both at a time, each in a process of its own; and this benchmark is
// the first of all, so that those have nothing of the other ones' memory either.
#include <sys/syscall.h>
#include <unistd.h>

#include <bulkhead/transport/descriptor.hpp>
#include <stdexcept>
#include <thread>

#include "bare_workers.hpp"
#include "benchmark.hpp"
#include "crowd.hpp"
#include "fresh_process.hpp"
#include "process_costs.hpp"
#include "rounds.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kPlugins = 1000;
constexpr double kEach = 1.0 / kPlugins;
constexpr char kReference[] = "bare fork + confine + dlopen by a fork server";

// Bare processes as a server would keep them, which wants to hear of their deaths.
class BareCrowd {
  public:
    explicit BareCrowd(std::size_t size) : workers_(BULKHEAD_BENCH_ECHO "/libbench_echo.so") {
        allow_descriptors(size + 100);
        for (std::size_t count = 0; count < size; ++count) {
            workers_.start();
            watches_.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, workers_.worker(), 0)));
            if (!watches_.back()) {
                throw std::runtime_error("a bare process cannot be watched");
            }
        }
    }

  private:
    BareWorkers workers_;
    std::vector<transport::Descriptor> watches_;
};

struct Costs {
    double milliseconds = 0;
    double kib = 0;
    double descriptors = 0;
    double idle = 0;
};

// Of a server that has only this crowd, and has had none before. `then` tells what it costs while nobody calls.
template <typename AnyCrowd, typename Then>
Costs costs_of_crowd(std::size_t size, Then&& then) {
    const std::size_t descriptors = open_descriptors();
    const std::uint64_t memory = memory_kib(whole_family());
    const auto begin = Clock::now();
    const AnyCrowd crowd(size);
    Costs costs;
    costs.milliseconds = microseconds(Clock::now() - begin) / 1000;
    // The next blank is there then, with its two descriptors.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    costs.descriptors = static_cast<double>(open_descriptors()) - static_cast<double>(descriptors);
    costs.kib = static_cast<double>(memory_kib(whole_family())) - static_cast<double>(memory);
    costs.idle = then();
    return costs;
}

double not_looked_at() { return 0; }

// Descriptors for each plugin after the first one, which comes with the host's own and the library's.
template <typename AnyCrowd>
double descriptors_each(const Costs& all) {
    const Costs first = in_fresh_process([] { return costs_of_crowd<AnyCrowd>(1, not_looked_at); });
    return (all.descriptors - first.descriptors) / static_cast<double>(kPlugins - 1);
}

// Microseconds of CPU in a second in which nobody has a reason to run.
double idle_cpu(std::chrono::seconds time) {
    std::this_thread::sleep_for(std::chrono::seconds(1));  // until what loading left to be done is done
    const std::vector<pid_t> family = whole_family();
    const std::chrono::nanoseconds before = cpu_time(family);
    std::this_thread::sleep_for(time);
    return microseconds(cpu_time(family) - before) / static_cast<double>(time.count());
}

}  // namespace

std::vector<Row> bench_load(const Effort& effort, const Cores&) {
    Rounds time("load", "time", "ms", kReference);
    Rounds memory("load", "pss", "KiB each", kReference);
    Rounds descriptors("load", "fds", "each", "a pidfd each");
    Rounds cpu("load", "cpu", "us/s", "one busy core");
    const std::size_t rounds = effort.quick ? 1 : 3;
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::chrono::seconds looked_at(effort.quick ? 2 : 10);
        const Costs ours = in_fresh_process(
            [looked_at] { return costs_of_crowd<Crowd>(kPlugins, [looked_at] { return idle_cpu(looked_at); }); });
        const Costs bare = in_fresh_process([] { return costs_of_crowd<BareCrowd>(kPlugins, not_looked_at); });
        time.add(ours.milliseconds, bare.milliseconds);
        memory.add(ours.kib * kEach, bare.kib * kEach);
        descriptors.add(descriptors_each<Crowd>(ours), descriptors_each<BareCrowd>(bare));
        cpu.add(ours.idle, 1e6);
    }
    return {time.row(), memory.row(), descriptors.row(), cpu.row()};
}

}  // namespace bulkhead::bench
