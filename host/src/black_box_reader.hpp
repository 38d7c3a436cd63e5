// What a dead worker's crash handler wrote down, as a part of its report.
#pragma once

#include <bulkhead/transport/black_box.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bulkhead/host/report.hpp"

namespace bulkhead::detail {

// Whether a record is there: of a crash, or of where a hung worker was.
bool has_record(const transport::BlackBox& box);

// The libraries that were loaded, whatever became of the worker.
std::vector<Module> read_modules(const transport::BlackBox& box);

// What a crash's record says about its cause. All empty when there is none.
struct CrashNotes {
    std::string exception;  // "type: text" of one that nobody caught
    bool bad_allocation = false;
    bool address_space_used_up = false;
    bool fault_in_channel = false;
    std::optional<std::uint64_t> system_call;  // of a SIGSYS
};
CrashNotes read_notes(const transport::BlackBox& box);

// Nothing when no crash was recorded to its end. Every byte of the box is hostile: it is copied once, and numbers stay
// numbers. Supervisor thread, after the worker's death.
std::optional<Crash> read_black_box(const transport::BlackBox& box);

}  // namespace bulkhead::detail
