// A host's inside.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "lane.hpp"
#include "runtime.hpp"

namespace bulkhead::detail {

// Owns the runtime and the lanes. Any thread.
class HostCore {
  public:
    static result<std::unique_ptr<HostCore>> create(HostOptions options);
    ~HostCore();

    result<std::shared_ptr<Lane>> load(result<Manifest> manifest, const SavedState* state = nullptr);
    result<Inspection> inspect(result<Manifest> manifest);
    result<std::shared_ptr<Lane>> find(std::string_view name) const;
    std::vector<std::shared_ptr<Lane>> lanes() const;
    result<void> unload(std::string_view name);

    // True in a child that the server forked: there the threads and mappings do not exist, and ending anything would
    // end it for the parent.
    bool in_forked_child() const noexcept;

  private:
    // A name in changing_. Made under the mutex, ends without it.
    class NameHold {
      public:
        NameHold(HostCore& core, std::string_view name) : core_(core), entry_(core.changing_.emplace(name).first) {}
        ~NameHold() {
            const std::lock_guard lock(core_.mutex_);
            core_.changing_.erase(entry_);
        }
        NameHold(const NameHold&) = delete;
        NameHold& operator=(const NameHold&) = delete;

      private:
        HostCore& core_;
        const std::set<std::string>::iterator entry_;
    };
    using Lanes = std::map<std::string, std::shared_ptr<Lane>, std::less<>>;

    HostCore() = default;
    result<std::shared_ptr<Lane>> start_lane(Manifest manifest, const SavedState* state);

    std::shared_ptr<Runtime> runtime_;
    pid_t owner_ = 0;
    bool runs_ = false;         // its threads were started
    mutable std::mutex mutex_;  // guards all below
    Lanes lanes_;
    std::set<std::string> changing_;  // names that are being loaded or unloaded
};

}  // namespace bulkhead::detail
