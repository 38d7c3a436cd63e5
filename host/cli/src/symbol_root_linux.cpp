#include <stdlib.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "failure.hpp"
#include "symbol_root.hpp"

namespace bulkhead::cli {

namespace fs = std::filesystem;

namespace {

void furnish(const fs::path& root, const fs::path& library) {
    for (const fs::directory_entry& entry : fs::directory_iterator("/")) {
        if (entry.path() != "/proc") {
            fs::create_symlink(entry.path(), root / entry.path().filename());
        }
    }
    const fs::path descriptors = root / "proc" / "self" / "fd";
    fs::create_directories(descriptors);
    constexpr int kDescriptors = 128;  // a worker has few when it loads its plugin
    for (int number = 0; number < kDescriptors && !library.empty(); ++number) {
        fs::create_symlink(library, descriptors / std::to_string(number));
    }
}

}  // namespace

SymbolRoot::SymbolRoot(const fs::path& library) {
    std::string name = (fs::temp_directory_path() / "bulkhead-gdb-XXXXXX").string();
    try {
        if (::mkdtemp(name.data()) == nullptr) {
            throw fs::filesystem_error("", name, std::error_code(errno, std::generic_category()));
        }
        path_ = name;
        furnish(path_, library);
    } catch (const fs::filesystem_error& error) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
        throw Failure(ExitCode::output_failed, "the folder " + name + " for gdb cannot be made: " +
                                                   error.code().message() + "; point TMPDIR to another place");
    }
}

SymbolRoot::~SymbolRoot() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

}  // namespace bulkhead::cli
