// Whether the kernel has ended processes for want of memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace bulkhead::detail {

// Counters of the kernel that anybody may read: of the control group of this process and of the machine. They do not
// say which process it was. Supervisor thread, but for construction.
class OomKills {
  public:
    // Those of this system.
    OomKills();
    // Files that hold a line "oom_kill N", for tests.
    explicit OomKills(std::vector<std::filesystem::path> files);

    // Whether a counter has grown since the last question, or since construction.
    bool any_since_asked();

  private:
    struct Counter {
        std::filesystem::path file;
        std::uint64_t last;
    };
    std::vector<Counter> counters_;
};

}  // namespace bulkhead::detail
