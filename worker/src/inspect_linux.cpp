#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <span>

#include "bulkhead/transport/launch_protocol.hpp"
#include "elf_library.hpp"
#include "inspect.hpp"
#include "inspection_text.hpp"
#include "process.hpp"

namespace bulkhead::worker {
namespace {

namespace slot = transport::inspect_descriptor;

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// write and exit_group; anything else kills. A filter, not the strict mode: that one is refused in a process that has a
// filter already, as in most containers.
bool confine() {
    const auto number = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    const auto architecture = static_cast<std::uint32_t>(offsetof(seccomp_data, arch));
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, architecture),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof filter / sizeof filter[0], filter};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Parsing takes milliseconds. The filter rules out most other waste.
void limit_resources() {
    constexpr rlimit kSeconds{10, 10};
    constexpr rlimit kNothing{0, 0};
    ::setrlimit(RLIMIT_CPU, &kSeconds);
    rule_out_core_dumps();
    ::setrlimit(RLIMIT_FSIZE, &kNothing);
    ::setrlimit(RLIMIT_NOFILE, &kNothing);
}

// Empty: there is no memory or address space for it.
std::optional<std::span<const std::byte>> map_file(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        return std::nullopt;
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) {
        return std::span<const std::byte>{};
    }
    void* bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) {
        return std::nullopt;
    }
    return std::span(static_cast<const std::byte*>(bytes), size);
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

// Leaves what there is to say in `answer`.
void look_at(int library, InspectionText& answer) {
    const auto file = map_file(library);
    if (!file) {
        answer.write_error("it cannot be inspected: there is no memory for it");
        return;
    }
    limit_resources();
    if (!confine()) {
        answer.write_error("it cannot be inspected: this system offers no seccomp filter");
        return;
    }
    answer.write(read_elf_library(*file));
}

}  // namespace

void inspect(std::vector<transport::Descriptor> descriptors) {
    if (descriptors.size() <= slot::library) {
        std::_Exit(EXIT_FAILURE);
    }
    set_process_name("bulkhead-elf");
    static InspectionText answer;
    look_at(descriptors[slot::library].get(), answer);
    const bool done = write_all(descriptors[slot::output].get(), answer.text());
    // Not _Exit(): before a call that does not return AddressSanitizer makes system calls that the filter kills.
    for (;;) {
        ::syscall(SYS_exit_group, done ? EXIT_SUCCESS : EXIT_FAILURE);
    }
}

}  // namespace bulkhead::worker
