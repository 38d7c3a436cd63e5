#include <bulkhead/host/host.hpp>
#include <iostream>

int main(int, char** argv) {
    auto host = bulkhead::Host::create().value();
    auto greeter = host.load(argv[1]).value();  // the folder of its plugin.json
    auto reply = greeter.call("greet", "Ada");
    std::cout << (reply ? reply->text() : reply.error().message) << '\n';
}
