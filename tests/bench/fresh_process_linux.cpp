#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bulkhead/transport/descriptor.hpp>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <system_error>

#include "fresh_process.hpp"

namespace bulkhead::bench {
namespace {

using transport::Descriptor;

[[noreturn]] void run_child(const std::function<std::string()>& work, int pipe) {
    std::string told;
    int code = EXIT_SUCCESS;
    try {
        told = work();
    } catch (const std::exception& error) {
        told = error.what();
        code = EXIT_FAILURE;
    }
    const bool written = ::write(pipe, told.data(), told.size()) == static_cast<ssize_t>(told.size());
    ::_exit(written ? code : EXIT_FAILURE);
}

std::string read_all(int pipe) {
    std::string all;
    char buffer[4096];
    for (ssize_t size = ::read(pipe, buffer, sizeof buffer); size != 0; size = ::read(pipe, buffer, sizeof buffer)) {
        if (size < 0 && errno != EINTR) {
            break;
        }
        all.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
    return all;
}

}  // namespace

std::string bytes_from_fresh_process(const std::function<std::string()>& work) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "no pipe to a fresh process");
    }
    const Descriptor from(ends[0]);
    Descriptor to(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::generic_category(), "a fresh process cannot be made");
    }
    if (child == 0) {
        run_child(work, to.get());
    }
    to = Descriptor();
    std::string told = read_all(from.get());
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
        throw std::runtime_error(told.empty() ? "a fresh process died while it measured" : told);
    }
    return told;
}

}  // namespace bulkhead::bench
