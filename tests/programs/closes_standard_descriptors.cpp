// A server that has closed 0, 1 and 2, so that the host's own descriptors get these numbers. What goes wrong meanwhile
// has nowhere to be printed.
#include <fcntl.h>
#include <unistd.h>

#include "programs/server.hpp"

using namespace bulkhead::programs;

int main() {
    constexpr int kHigh = 100;
    const int output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, kHigh);
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::close(descriptor);
    }
    {
        auto host = make_host();
        serve_through_deaths(load(host, "faulty", kTireless));
    }
    ::dup2(output, STDOUT_FILENO);
    say("done");
}
