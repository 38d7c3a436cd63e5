// A process in which a method may do its worst.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace faulty {

// A sanitizer has its own way to end a process whose memory is damaged.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// How a victim ended.
struct Outcome {
    std::optional<int> signal;
    std::optional<int> exit_code;
    std::string output;  // stdout, then stderr
};

// A forked child that runs `body` and exits with what it returns. Killed by SIGALRM when that takes too long.
class Victim {
  public:
    static constexpr int kReturned = 99;  // exit code of a victim whose method came back

    explicit Victim(const std::function<int()>& body);
    // Calls the method in a new worker that was made with the config.
    Victim(std::string method, std::string request, std::string config = "{}");
    Victim(const Victim&) = delete;
    Victim& operator=(const Victim&) = delete;
    ~Victim();

    pid_t pid() const { return pid_; }
    // Waits until it is stopped; false when it ended instead.
    bool wait_until_stopped() const;
    Outcome wait();

  private:
    pid_t pid_ = -1;
    int stdout_ = -1;
    int stderr_ = -1;
    bool ended_ = false;
};

}  // namespace faulty
