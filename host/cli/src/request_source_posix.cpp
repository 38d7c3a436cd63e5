#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "failure.hpp"
#include "request_source.hpp"

namespace bulkhead::cli {
namespace {

// Closes what it opened.
class Source {
  public:
    explicit Source(const std::string& file) : owned_(file != "-") {
        descriptor_ = owned_ ? ::open(file.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    }
    ~Source() {
        if (owned_ && descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    int descriptor() const { return descriptor_; }

  private:
    bool owned_;
    int descriptor_ = -1;
};

Failure unreadable(const std::string& file, int error) {
    const std::string name = file == "-" ? "standard input" : "the request's file " + file;
    return {ExitCode::usage, name + " cannot be read: " + std::strerror(error) +
                                 "; give the request as an argument, with --file, or on standard input with -"};
}

}  // namespace

std::string read_request(const std::string& file, std::uint64_t limit) {
    const Source source(file);
    if (source.descriptor() < 0) {
        throw unreadable(file, errno);
    }
    std::string request;
    std::array<char, 1 << 16> buffer;
    for (;;) {
        const ssize_t count = ::read(source.descriptor(), buffer.data(), buffer.size());
        if (count == 0) {
            return request;
        }
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            throw unreadable(file, errno);
        }
        request.append(buffer.data(), static_cast<std::size_t>(count));
        if (request.size() > limit) {
            throw Failure(ExitCode::usage, "the request is larger than the plugin takes, which is " +
                                               std::to_string(limit) +
                                               " bytes; send less, or raise limits.payload in its manifest");
        }
    }
}

}  // namespace bulkhead::cli
