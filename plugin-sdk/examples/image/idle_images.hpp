// Which images nobody has used for long.
#pragma once

#include <chrono>
#include <unordered_map>
#include <vector>

#include "library/image.h"

// A caller may die, or give up on `open` just as its reply is made: then nobody knows the handle, and nobody will
// destroy the image. So each image has a time after which it may go. One thread.
class IdleImages {
  public:
    using Clock = std::chrono::steady_clock;

    explicit IdleImages(Clock::duration most) : most_(most) {}

    void used(image_handle handle, Clock::time_point now) { last_use_[handle] = now; }
    void destroyed(image_handle handle) { last_use_.erase(handle); }

    // Those that nobody used for longer than that; they are no longer counted here.
    std::vector<image_handle> take_expired(Clock::time_point now) {
        std::vector<image_handle> expired;
        for (const auto& [handle, time] : last_use_) {
            if (now - time > most_) {
                expired.push_back(handle);
            }
        }
        for (const image_handle handle : expired) {
            last_use_.erase(handle);
        }
        return expired;
    }

  private:
    Clock::duration most_;
    std::unordered_map<image_handle, Clock::time_point> last_use_;
};
