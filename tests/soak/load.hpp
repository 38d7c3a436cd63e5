// Callers of all kinds, and what they were told.
#pragma once

#include <atomic>
#include <bulkhead/host/host.hpp>
#include <thread>
#include <vector>

#include "ledger.hpp"

namespace bulkhead::tests {

// A plugin and what its callers were told.
struct Soaked {
    Plugin plugin;
    Ledger told{};
};

// Short, so that a stopped worker is soon found out.
CallOptions impatient();

// Calls three plugins from several threads until it is destroyed: `keeper` and `counter` count, `echoer` echoes. Each
// answer is checked.
class Load {
  public:
    Load(Soaked& keeper, Soaked& counter, Soaked& echoer);
    ~Load() { stop(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    void stop();

  private:
    void count_up(Soaked& soaked, const char* method, const char* request);
    void echo();
    void echo_in_sessions();
    void echo_asynchronously();
    void note_echo(const result<Bytes>& outcome, std::string_view request);
    // `worker` is who answered in this session before; empty: nobody yet.
    void note_worker(const result<Bytes>& outcome, std::string& worker);

    Soaked& echoer_;
    std::atomic<bool> stop_{false};
    std::vector<std::thread> callers_;
};

}  // namespace bulkhead::tests
