// The kernel is older than 5.16, or a container filters futex_waitv.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "bulkhead/transport/waiting.hpp"
#include "support/channel.hpp"
#include "support/child.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

bool refuse_futex_waitv(int error) {
    std::array<sock_filter, 4> program{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_futex_waitv},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog filter{program.size(), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0 &&
           ::syscall(SYS_futex_waitv, nullptr, 0, 0, nullptr, 0) == -1 && errno == error;
}

// Cells 0 and 1 lend their bells as the two words. The waiter leaves once `index` was rung.
std::string wait_without_futex_waitv(const testing::Channel& channel, std::uint32_t index, int error) {
    const testing::WorkerEnds ends = testing::map_worker_ends(channel);
    if (!refuse_futex_waitv(error)) {
        return "futex_waitv could not be refused";
    }
    const auto& shared = ends.from_host.worker_cell(0).bell;
    const auto& own = ends.from_host.worker_cell(1).bell;
    const auto& rung = ends.from_host.worker_cell(index).bell;
    ends.to_host.header().life.store(1);
    const SteadyTime deadline = std::chrono::steady_clock::now() + testing::kPatience;
    while (rung.load() == 0 && std::chrono::steady_clock::now() < deadline) {
        futex_wait_either(shared, 0, own, 0, kNoDeadline);
    }
    return std::chrono::steady_clock::now() < deadline ? "" : "it was not woken";
}

TEST_CASE("without futex_waitv either word still wakes") {
    for (const int error : {ENOSYS, EPERM}) {
        for (const std::uint32_t index : {0U, 1U}) {
            testing::Channel channel = testing::make_channel();
            testing::Child waiter([&] { return wait_without_futex_waitv(channel, index, error); });
            CHECK(testing::look_until([&] { return channel.from_worker.header().life.load() == 1; }));
            CHECK(testing::look_until([&] { return testing::is_asleep(waiter.pid(), waiter.pid()); }));
            ring_bell(channel.to_worker.worker_cell(index).bell);
            CHECK(waiter.outcome() == "");
        }
    }
}

TEST_CASE("without futex_waitv a deadline still ends the wait") {
    testing::Child waiter([]() -> std::string {
        if (!refuse_futex_waitv(ENOSYS)) {
            return "futex_waitv could not be refused";
        }
        const std::atomic<std::uint32_t> word{0};
        const SteadyTime start = std::chrono::steady_clock::now();
        const SteadyTime deadline = start + std::chrono::milliseconds(20);
        while (std::chrono::steady_clock::now() < deadline) {
            futex_wait_either(word, 0, word, 0, deadline);
        }
        return std::chrono::steady_clock::now() - start < testing::kPatience ? "" : "it waited too long";
    });
    CHECK(waiter.outcome() == "");
}

}  // namespace
}  // namespace bulkhead::transport
