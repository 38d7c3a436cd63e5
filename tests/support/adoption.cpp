#include "support/adoption.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

pid_t adopter = 0;  // set before there is a second thread

// Until nobody is left; says who is when the patience is at its end, and ends them.
bool reap_the_rest(std::chrono::nanoseconds patience) {
    const bool alone = eventually(
        [] {
            while (::waitpid(-1, nullptr, WNOHANG) > 0) {
            }
            return children_of(::getpid()).empty();
        },
        patience);
    for (const ProcessStatus& survivor : children_of(::getpid())) {
        std::fprintf(stderr, "process %d %s outlived the program\n", survivor.pid, survivor.name.c_str());
        ::kill(survivor.pid, SIGKILL);
    }
    return alone;
}

bool is_tidy(const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator(folder)) {
        std::fprintf(stderr, "%s outlived the program\n", entry.path().c_str());
    }
    return fs::is_empty(folder);
}

int exit_code_of(int status) {
    if (WIFEXITED(status)) {
        return WEXITSTATUS(status);
    }
    std::fprintf(stderr, "the program was ended by signal %d\n", WTERMSIG(status));
    return EXIT_FAILURE;
}

// Reaps everybody; what became of `child`.
int reap_until_end_of(pid_t child) {
    int status = 0;
    while (::waitpid(-1, &status, 0) != child) {
    }
    return status;
}

void settle_in(const fs::path& folder) {
    const rlimit no_core_files{0, RLIM_INFINITY};  // which the kernel would write into the folder
    ::setrlimit(RLIMIT_CORE, &no_core_files);
    fs::current_path(folder);
    ::setenv("TMPDIR", folder.c_str(), 1);
}

}  // namespace

int run_adopted(const std::function<int()>& program) {
    const ScratchFolder folder;
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
        std::perror("fork");
        return EXIT_FAILURE;
    }
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) {
            ::_exit(EXIT_FAILURE);
        }
        adopter = parent;
        settle_in(folder.path());
        std::exit(program());  // and not by returning: the folder is the parent's
    }
    ::signal(SIGINT, SIG_IGN);  // the terminal sends it to the child too, and what that had started is ended below
    const int status = reap_until_end_of(child);
    const int code = exit_code_of(status);
    const bool alone = reap_the_rest(WIFEXITED(status) ? kPatience : std::chrono::nanoseconds::zero());
    const bool tidy = is_tidy(folder.path());
    return alone && tidy ? code : EXIT_FAILURE;
}

std::vector<ProcessStatus> orphans() {
    if (adopter == 0) {
        return {};
    }
    std::vector<ProcessStatus> found = children_of(adopter);
    std::erase_if(found, [](const ProcessStatus& process) { return process.pid == ::getpid(); });
    return found;
}

std::string not_just_a_family_with(std::size_t workers) {
    constexpr std::size_t kParents = 3;  // guard, fork server and blank
    std::vector<ProcessStatus> present;
    const auto is_as_wanted = [&] {
        const Family family = family_of(::getpid());
        present = descendants_of(::getpid());
        const auto lost = orphans();
        present.insert(present.end(), lost.begin(), lost.end());
        return family.guard != 0 && family.fork_server != 0 && family.blank != 0 && family.others.size() == workers &&
               present.size() == kParents + workers;
    };
    std::string text;
    if (!eventually(is_as_wanted)) {
        for (const ProcessStatus& process : present) {
            text += std::to_string(process.pid) + " " + process.name + " " + process.state + " below " +
                    std::to_string(process.parent) + "\n";
        }
    }
    return text;
}

}  // namespace bulkhead::tests
