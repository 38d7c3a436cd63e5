// Talks, stays silent until the caller gives up, and dies.
#include <bulkhead/plugin/plugin.hpp>
#include <csignal>
#include <string>
#include <string_view>

class Talker {
  public:
    std::string greet(std::string_view name) { return "Hello, " + std::string(name) + "!"; }
    std::string quote(std::string_view text) { return '"' + std::string(text) + '"'; }
    void fail(std::string_view text) { throw bulkhead::plugin::Error(7, std::string(text)); }
    void be_silent(bulkhead::plugin::Call& call) {
        while (!call.cancelled()) {
        }
    }
    void die() { std::raise(SIGABRT); }
};

BULKHEAD_PLUGIN(Talker, "talker", "1.0.0", bulkhead::plugin::method<&Talker::greet>("greet"),
                bulkhead::plugin::method<&Talker::quote>("quote"), bulkhead::plugin::method<&Talker::fail>("fail"),
                bulkhead::plugin::method<&Talker::be_silent>("be_silent"),
                bulkhead::plugin::method<&Talker::die>("die"))
