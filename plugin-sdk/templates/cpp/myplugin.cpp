// The plugin `myplugin`: one method, `greet`, that takes and returns JSON.
#include <bulkhead/plugin/json.hpp>
#include <bulkhead/plugin/plugin.hpp>
#include <string>

namespace {

using bulkhead::plugin::LogLevel;

// The "config" of plugin.json. What it leaves out has these values; a wrong type refuses the start.
struct Config {
    std::string greeting = "Hello";
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Config, greeting)

struct Request {
    std::string name;
    int times = 1;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Request, name, times)

struct Reply {
    std::string text;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Reply, text)

// One object lives in each worker; its members run one after the other.
class Plugin {
  public:
    Plugin(Config config, bulkhead::plugin::Services services) : config_(std::move(config)) {
        services.log(LogLevel::info) << "greeting with " << config_.greeting;
    }

    Reply greet(const Request& request) {
        if (request.name.empty()) {
            throw bulkhead::plugin::Error(1, "a greeting needs a name");  // fails this call, nothing else
        }
        Reply reply;
        for (int i = 0; i < request.times; ++i) {
            reply.text += (i > 0 ? " " : "") + config_.greeting + ", " + request.name + "!";
        }
        return reply;
    }

  private:
    Config config_;
};

}  // namespace

BULKHEAD_PLUGIN(Plugin, "myplugin", "0.1.0", bulkhead::plugin::method<&Plugin::greet>("greet"))
