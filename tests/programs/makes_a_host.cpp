// Makes a host with nothing in its options, and prints "ok" or why there is none. Arguments NAME=VALUE are put into
// the environment first.
#include <stdlib.h>

#include "programs/server.hpp"

int main(int count, char** arguments) {
    for (int index = 1; index < count; ++index) {
        ::putenv(arguments[index]);
    }
    const auto host = bulkhead::Host::create();
    bulkhead::programs::say(host ? "ok" : host.error().message);
}
