#include <bulkhead/plugin/plugin.hpp>

class Greeter {
  public:
    std::string greet(std::string_view name) {
        if (name.empty()) {
            throw bulkhead::plugin::Error(1, "a greeting needs a name");
        }
        return "Hello, " + std::string(name) + "!";
    }
};

BULKHEAD_PLUGIN(Greeter, "greeter", "1.0.0", bulkhead::plugin::method<&Greeter::greet>("greet"))
