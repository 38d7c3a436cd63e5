// Makes a host with nothing in its options, and prints "ok" or why there is none. Arguments NAME=VALUE are put into
// the environment first.
#include <stdlib.h>

#include <bulkhead/host/host.hpp>
#include <iostream>

int main(int count, char** arguments) {
    for (int index = 1; index < count; ++index) {
        ::putenv(arguments[index]);
    }
    const auto host = bulkhead::Host::create();
    std::cout << (host ? "ok" : host.error().message) << std::endl;
}
