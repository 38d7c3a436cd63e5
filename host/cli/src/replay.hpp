// A saved call, start or stop, run once more.
#pragma once

#include <bulkhead/host/host.hpp>
#include <bulkhead/host/repro.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::cli {

// What became of it this time.
struct Replayed {
    result<Bytes> outcome;                // of a start and a stop: no bytes
    std::shared_ptr<const Report> death;  // null: the worker lived
};

enum class WithDebugger : bool { no, yes };

// Why another try may differ from the first, one sentence each.
std::vector<std::string> differences(const Repro& repro);

// In a fresh worker, with the saved configuration and deadline; with a debugger, gdb is attached before the request is
// sent, the time for the call begins when the user has left gdb, and it returns after that. Where no call ran the
// plugin is started and stopped, without a debugger. Throws Failure when the plugin cannot be loaded and nothing died.
Replayed replay(const Repro& repro, WithDebugger with);

// Died like the first time: the same cause, signal and exit code. Where exactly is told by same_place().
bool same_death(const Report& first, const Report& now);
// Empty: one of them does not tell.
std::optional<bool> same_place(const Report& first, const Report& now);

}  // namespace bulkhead::cli
