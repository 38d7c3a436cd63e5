#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "bulkhead/transport/black_box.hpp"
#include "bulkhead/transport/launch_protocol.hpp"
#include "explain.hpp"
#include "explainer_confinement.hpp"
#include "explanation.hpp"
#include "module_files.hpp"
#include "process.hpp"
#include "stack_copy.hpp"
#include "time_slice.hpp"
#include "unwinder.hpp"

namespace bulkhead::worker {
namespace {

namespace slot = transport::explain_descriptor;
using transport::BlackBox;
using transport::Descriptor;

const BlackBox* map_black_box(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0 || status.st_size < static_cast<off_t>(sizeof(BlackBox))) {
        return nullptr;
    }
    void* bytes = ::mmap(nullptr, sizeof(BlackBox), PROT_READ, MAP_PRIVATE, file, 0);
    return bytes == MAP_FAILED ? nullptr : static_cast<const BlackBox*>(bytes);
}

bool write_all(int output, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(output, text.data(), text.size());
        if (size <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

// What takes files comes first, then the confinement, then everything that reads what others wrote.
std::string look_at(const BlackBox& box, std::span<const Descriptor> libraries, int output) {
    StackCopy stack(box);
    ModuleFiles files;
    files.add_sealed(libraries);
    files.add_own();
    files.add_system(stack);
    prepare_unwinder();
    if (!confine_explainer(output)) {
        return text_of(
            registers_only(stack, "only the innermost function is known: this system has no seccomp filter"));
    }
    return text_of(unwind(stack, files.all()));
}

}  // namespace

void explain(std::vector<Descriptor> descriptors) {
    constexpr int kNiceness = 5;  // the next worker's start goes first, and all calls
    if (descriptors.size() <= slot::library) {
        std::_Exit(EXIT_FAILURE);
    }
    set_process_name("bulkhead-why");
    ::setpriority(PRIO_PROCESS, 0, kNiceness);
    set_time_slice(TimeSlice::longest);
    ::unsetenv("DEBUGINFOD_URLS");  // or libdw loads what asks servers for debug information
    const BlackBox* box = map_black_box(descriptors[slot::black_box].get());
    if (box == nullptr) {
        std::_Exit(EXIT_FAILURE);
    }
    const int output = descriptors[slot::output].get();
    const bool done = write_all(output, look_at(*box, std::span(descriptors).subspan(slot::library), output));
    // Not _Exit(): see inspect().
    for (;;) {
        ::syscall(SYS_exit_group, done ? EXIT_SUCCESS : EXIT_FAILURE);
    }
}

}  // namespace bulkhead::worker
