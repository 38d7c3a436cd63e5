#include "sample_file.hpp"

#include <glob.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace bulkhead::demo {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> matching(const char* pattern) {
    glob_t found{};
    std::vector<fs::path> paths;
    if (::glob(pattern, 0, nullptr, &found) == 0) {
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    return paths;
}

std::vector<std::byte> read_all(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (!stream || error) {
        throw std::runtime_error("the file " + path.string() + " cannot be read");
    }
    std::vector<std::byte> bytes(size);
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (static_cast<std::uintmax_t>(stream.gcount()) != size) {
        throw std::runtime_error("the file " + path.string() + " was cut while it was read");
    }
    return bytes;
}

}  // namespace

SampleFile::SampleFile(fs::path path) : path_(std::move(path)), bytes_(read_all(path_)) {}

fs::path find_large_file() {
    std::vector<fs::path> candidates = matching("/usr/lib/gcc/*/*/cc1plus");
    candidates.push_back(fs::read_symlink("/proc/self/exe"));
    fs::path largest;
    std::uintmax_t most = 0;
    for (const fs::path& path : candidates) {
        std::error_code error;
        const std::uintmax_t size = fs::file_size(path, error);
        if (!error && size > most) {
            most = size;
            largest = path;
        }
    }
    return largest;
}

}  // namespace bulkhead::demo
