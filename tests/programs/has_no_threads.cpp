// A server that can make no thread any more: it gets clear errors, and the plugins that it has are served on.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>

#include "programs/server.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"
#include "support/processes.hpp"
#include "support/scratch_folder.hpp"
#include "support/until.hpp"

using namespace bulkhead::programs;
using bulkhead::tests::contains;

namespace {

// As RLIMIT_NPROC does it to whoever is not root. Processes can be made.
void forbid_threads() {
    std::array filter{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),  // then it is clone
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    expect(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "privileges cannot be given up");
    expect(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "threads cannot be forbidden");
}

// A Snapshot needs a thread.
std::ptrdiff_t descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

bool has_dead_child() {
    siginfo_t child{};
    return ::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid != 0;
}

void expect_clear(const bulkhead::Error& error, const std::string& what) {
    expect(error.code == bulkhead::ErrorCode::load_failed, "it fails otherwise: " + error.message);
    expect(contains(error.message, what) && contains(error.message, "Resource temporarily unavailable"), error.message);
}

}  // namespace

int main() {
    using namespace bulkhead::tests;
    const ScratchFolder scratch;
    auto host = make_host();
    const auto plugin = load(host, "faulty", kTireless);
    expect_echo(plugin, "before");
    forbid_threads();
    await_family_of(::getpid());
    const std::ptrdiff_t before = descriptors();

    const auto without_callback_thread = bulkhead::Host::create(host_options());
    expect(without_callback_thread.has_error(), "a host was made without threads");
    expect_clear(without_callback_thread.error(), "the host cannot start its threads");

    boost::asio::io_context callbacks;
    auto options = host_options();
    options.callback_executor = callbacks.get_executor();
    const auto without_supervisor = bulkhead::Host::create(std::move(options));
    expect(without_supervisor.has_error(), "a host was made without a supervisor");
    expect_clear(without_supervisor.error(), "the host cannot start its threads");

    const auto counter = changed_manifest("counter", {{"state", {{"path", (scratch.path() / "state").string()}}}});
    const auto without_writer = host.load(bulkhead::ManifestText{counter.dump(), built_plugin("counter")});
    expect(without_writer.has_error(), "a plugin with a state file was loaded without a thread to write it");
    expect_clear(without_writer.error(), "the thread that writes its state file");

    // Fewer are well: the first host may have given some back since.
    expect(eventually([&] { return descriptors() <= before; }), "descriptors are left");
    expect(!has_dead_child(), "a child was not reaped");
    serve_through_deaths(plugin);
    say("done");
}
