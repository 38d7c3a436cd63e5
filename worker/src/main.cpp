// bulkhead-worker: the program that a host starts once and that forks all of its workers.
#include <cstdio>
#include <cstring>

#include "bulkhead/transport/build_stamp.hpp"
#include "bulkhead/transport/layout.hpp"
#include "guard.hpp"

int main(int argc, char** argv) {
    const char* argument = argc == 2 ? argv[1] : "";
    if (std::strcmp(argument, "--version") == 0) {
        std::printf("bulkhead-worker %s, layout %u, build %s\n", bulkhead::transport::kVersion,
                    bulkhead::transport::kLayoutVersion, bulkhead::transport::kBuildStamp);
        return 0;
    }
    if (std::strcmp(argument, "--guard") == 0 && bulkhead::worker::Guard::was_started_by_a_host()) {
        bulkhead::worker::Guard guard;
        guard.run();
    }
    std::fputs("bulkhead-worker runs the plugins of a Bulkhead host, which starts it by itself.\n", stderr);
    return 2;
}
