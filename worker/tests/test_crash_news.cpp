// Whom a crashing worker tells first.
#include <doctest/doctest.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "support/lane_of_test.hpp"

namespace bulkhead::worker::test {
namespace {

// Of the mapping that has the address. Empty: it has no name.
std::string mapping_at(pid_t process, std::uint64_t address) {
    std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream fields(line);
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        char dash = 0;
        std::string mode;
        std::string offset;
        std::string device;
        std::string inode;
        std::string name;
        fields >> std::hex >> begin >> dash >> end >> mode >> offset >> device >> inode >> name;
        if (address >= begin && address < end) {
            return name;
        }
    }
    return {};
}

// Whom the process wakes, one after the other, from a signal on until it ends. Who reads waits on a word in its outbox,
// who stands by on one in the host's, the supervisor for a byte.
std::string news_after(pid_t process, int signal) {
    std::string news;
    REQUIRE(::ptrace(PTRACE_SEIZE, process, nullptr, PTRACE_O_TRACESYSGOOD) == 0);
    REQUIRE(::kill(process, signal) == 0);
    int status = 0;
    bool entering = true;
    while (::waitpid(process, &status, __WALL) == process && WIFSTOPPED(status)) {
        int delivered = 0;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            delivered = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
            entering = true;  // the call that the signal interrupted has ended
        } else if (std::exchange(entering, !entering)) {
            user_regs_struct registers{};
            REQUIRE(::ptrace(PTRACE_GETREGS, process, nullptr, &registers) == 0);
            const bool wakes = registers.orig_rax == SYS_futex && (registers.rsi & FUTEX_CMD_MASK) == FUTEX_WAKE;
            const std::string name = wakes ? mapping_at(process, registers.rdi) : "";
            if (name == "/memfd:bulkhead-worker-outbox") {
                news += "reader ";
            } else if (name == "/memfd:bulkhead-host-outbox") {
                news += "standby ";
            } else if (registers.orig_rax == SYS_write) {
                news += "supervisor ";
            }
        }
        REQUIRE(::ptrace(PTRACE_SYSCALL, process, nullptr, delivered) == 0);
    }
    return news;
}

TEST_CASE("a crash wakes who decides what comes next, and then who stands by") {
    struct Case {
        transport::HostWaits host;
        const char* news;  // the supervisor hears again when all is written down
    };
    for (const Case& one : {Case{transport::kHostParked, "reader standby supervisor supervisor "},
                            Case{transport::kHostLooks, "standby supervisor supervisor "},
                            Case{transport::kHostPolls, "supervisor standby supervisor "}}) {
        CAPTURE(one.host);
        GuardProcess guard;
        TestLane lane(guard);
        const WorkerOrder order{.library = "libsaving.so"};  // one with an activate function may only follow later
        const TestWorker serving = lane.start_serving(order);
        const TestWorker standby = lane.start(order);
        REQUIRE(standby.await_settled() == transport::Life::ready);
        lane.cell(serving).host_waits = one.host;
        CHECK(news_after(serving.pid, SIGSEGV) == one.news);
    }
}

}  // namespace
}  // namespace bulkhead::worker::test
