// Where a peer's socket lies.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace bulkhead::bench::peers {

// A private temporary folder; gone with this. The process that made it must be the one that destroys it.
class SocketFolder {
  public:
    SocketFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "bulkhead-bench-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("no temporary folder for a socket");
        }
        folder_ = name;
    }
    ~SocketFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    SocketFolder(const SocketFolder&) = delete;
    SocketFolder& operator=(const SocketFolder&) = delete;

    // As gRPC and Cap'n Proto write it.
    std::string address() const { return "unix:" + (folder_ / "socket").string(); }

  private:
    std::filesystem::path folder_;
};

}  // namespace bulkhead::bench::peers
