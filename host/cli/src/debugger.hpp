// gdb, attached to a worker, for the user at this terminal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "symbol_root.hpp"

namespace bulkhead::cli {

// One run of gdb. It owns the terminal, and Ctrl-C, until wait() returns. One thread at a time.
class Debugger {
  public:
    // Returns when gdb has attached and the worker runs on. `library` gives it the plugin's symbols: the worker itself
    // has loaded a copy without a name. Throws Failure when there is no gdb, or when it may not attach.
    Debugger(std::int64_t worker, const std::filesystem::path& library);
    Debugger(const Debugger&) = delete;
    Debugger& operator=(const Debugger&) = delete;
    // Waits for gdb's end.
    ~Debugger();

    // Until the user has left it.
    void wait();

  private:
    void await_attached(std::int64_t worker, int notice);

    std::optional<SymbolRoot> root_;  // while gdb runs
    pid_t gdb_ = 0;
    void (*interrupt_)(int) = nullptr;  // what SIGINT and SIGQUIT did before
    void (*quit_)(int) = nullptr;
};

}  // namespace bulkhead::cli
