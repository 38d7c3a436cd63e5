// What the demo tells a person.
#pragma once

#include <string_view>

#include "common/table.hpp"

namespace bulkhead::demo {

// Prints to stdout, in colour only on a terminal without NO_COLOR, and remembers whether everything held. One thread.
class Screen {
  public:
    Screen();

    void title(std::string_view text) const;
    // Begins the next step.
    void step(std::string_view text);
    void line(std::string_view text) const;
    void table(const Table& table) const;
    // Each line of the text, set off from ours.
    void quote(std::string_view text) const;
    // Prints the claim and whether it held. The same as `held`.
    bool check(bool held, std::string_view claim);

    int steps() const noexcept { return steps_; }
    int checks() const noexcept { return checks_; }
    int failures() const noexcept { return failures_; }

  private:
    const char* bold_ = "";
    const char* green_ = "";
    const char* red_ = "";
    const char* plain_ = "";
    int steps_ = 0;
    int checks_ = 0;
    int failures_ = 0;
};

}  // namespace bulkhead::demo
