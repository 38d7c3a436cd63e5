// A saved call, run once more.
#pragma once

#include <bulkhead/host/host.hpp>
#include <bulkhead/host/repro.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::cli {

// What became of the call this time.
struct Replayed {
    result<Bytes> outcome;
    std::shared_ptr<const Report> death;  // null: the worker lived
};

enum class WithDebugger : bool { no, yes };

// Why another try may differ from the first, one sentence each.
std::vector<std::string> differences(const Repro& repro);

// In a fresh worker, with the saved configuration and deadline; with a debugger, gdb is attached before the request is
// sent, there is no deadline, and it returns when the user has left gdb. Throws Failure when the plugin cannot be
// loaded.
Replayed replay(const Repro& repro, WithDebugger with);

// Died like the first time: the same cause, signal and exit code. Where exactly is told by same_place().
bool same_death(const Report& first, const Report& now);
// Empty: one of them does not tell.
std::optional<bool> same_place(const Report& first, const Report& now);

}  // namespace bulkhead::cli
