// Explanations of stacks: what the confined process answers to an honest black box, and to others.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "bulkhead/transport/black_box.hpp"
#include "bulkhead/transport/segment.hpp"
#include "explainer_confinement.hpp"
#include "modules.hpp"
#include "support/guard_process.hpp"

namespace bulkhead::worker::test {
namespace {

using Json = nlohmann::json;
using transport::BlackBox;
using transport::Descriptor;

constexpr const char* kLibrary = BULKHEAD_TEST_PLUGINS "/libversatile.so";

std::vector<char> contents(const char* path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

Descriptor sealed(const void* bytes, std::size_t size) {
    std::error_code error;
    Descriptor file = transport::create_sealed_file("test", {static_cast<const std::byte*>(bytes), size}, error);
    REQUIRE_FALSE(error);
    return file;
}

// Of a thread of this process that would be at the library's entry function, with nothing on its stack.
std::unique_ptr<BlackBox> box_at_entry() {
    auto box = std::make_unique<BlackBox>();
    void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    const void* entry = ::dlsym(library, "bulkhead_plugin");
    REQUIRE(entry != nullptr);
    note_modules({}, box->record);
    box->record.registers[REG_RIP] = reinterpret_cast<std::uint64_t>(entry);
    box->record.registers[REG_RSP] = 0x7000'0000;
    box->record.stack_begin = 0x6000'0000;
    box->record.stack_end = 0x7800'0000;
    box->record.copy_address = 0x7000'0000;
    box->record.copy_length = 4096;
    return box;
}

struct Answer {
    int wait_status = 0;
    std::string text;
};

Answer explain(GuardProcess& guard, const BlackBox& box, const std::vector<char>& library) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const Descriptor output(ends[0]);
    Descriptor far(ends[1]);
    const Descriptor box_file = sealed(&box, sizeof box);
    const Descriptor library_file = sealed(library.data(), library.size());
    const int descriptors[] = {far.get(), box_file.get(), library_file.get()};
    transport::StartMessage message;
    message.role = transport::WorkerRole::explain;
    const GuardProcess::Blank blank = guard.make_blank();
    blank.order(message, descriptors);
    far.reset();
    Answer answer;
    char part[4096];
    ssize_t size = 0;
    do {
        REQUIRE(await_readable(output.get()));
        size = ::read(output.get(), part, sizeof part);
        answer.text.append(part, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    } while (size > 0);
    answer.wait_status = guard.await_exited(blank.pid).wait_status;
    return answer;
}

TEST_CASE("an explanation names the function, and the process is gone afterwards") {
    GuardProcess guard;
    const auto box = box_at_entry();
    const Answer answer = explain(guard, *box, contents(kLibrary));
    CHECK(answer.wait_status == 0);
    REQUIRE(Json::accept(answer.text));
    const Json json = Json::parse(answer.text);
    REQUIRE(!json["frames"].empty());
    CHECK(json["frames"][0]["function"] == "bulkhead_plugin");
    CHECK(json["frames"][0]["address"] == box->record.registers[REG_RIP]);
}

TEST_CASE("a file with another build id is not used") {
    GuardProcess guard;
    const auto box = box_at_entry();
    const Answer answer = explain(guard, *box, contents(BULKHEAD_TEST_PLUGINS "/libending.so"));
    REQUIRE(Json::accept(answer.text));
    const Json json = Json::parse(answer.text);
    REQUIRE(!json["frames"].empty());
    CHECK(json["frames"][0]["function"] == "");
}

// It may die, it may say anything; it ends, and nobody else is hurt.
void check_harmless(GuardProcess& guard, const Answer& answer) {
    const bool in_order = answer.wait_status == 0;
    CHECK((!in_order || Json::accept(answer.text)));
    CHECK(is_alive(guard.fork_server()));
}

TEST_CASE("a black box of any bytes is explained or not, and harms nobody") {
    GuardProcess guard;
    const auto library = contents(kLibrary);
    std::mt19937 random(20261120);  // NOLINT: the same each time
    for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        auto box = box_at_entry();
        auto* bytes = reinterpret_cast<unsigned char*>(box.get());
        if (round % 2 == 0) {
            std::generate(bytes, bytes + sizeof *box, [&] { return static_cast<unsigned char>(random()); });
        } else {
            for (int change = 0; change < 200; ++change) {
                bytes[random() % sizeof *box] = static_cast<unsigned char>(random());
            }
            box->record.module_count = static_cast<std::uint32_t>(random());
            box->record.copy_length = ~std::uint64_t{0};
        }
        check_harmless(guard, explain(guard, *box, library));
    }
}

TEST_CASE("a library of changed bytes with the right build id harms nobody") {
    GuardProcess guard;
    const auto box = box_at_entry();
    const auto sound = contents(kLibrary);
    std::mt19937 random(4711);  // NOLINT: the same each time
    for (int round = 0; round < 40; ++round) {
        CAPTURE(round);
        auto library = sound;
        // The first page holds headers and build id; half of the rounds leave it alone.
        const std::size_t from = round % 2 == 0 ? 4096 : 0;
        for (int change = 0; change < 1 << (round % 12); ++change) {
            library[from + random() % (library.size() - from)] = static_cast<char>(random());
        }
        if (round % 5 == 0) {
            library.resize(random() % library.size() + 1);
        }
        check_harmless(guard, explain(guard, *box, library));
    }
}

TEST_CASE("a stack that leads in circles has an end") {
    GuardProcess guard;
    const auto box = box_at_entry();
    // Each word is a return address and, as a frame pointer, leads to itself.
    for (std::size_t offset = 0; offset + 8 <= transport::kBlackBoxStack; offset += 8) {
        const std::uint64_t word = offset % 16 == 0 ? box->record.registers[REG_RIP] : 0x7000'0008;
        std::memcpy(box->stack + offset, &word, sizeof word);
    }
    box->record.copy_length = transport::kBlackBoxStack;
    box->record.registers[REG_RBP] = 0x7000'0008;
    const Answer answer = explain(guard, *box, contents(kLibrary));
    check_harmless(guard, answer);
    CHECK(answer.wait_status == 0);
}

#if !defined(__SANITIZE_ADDRESS__)  // it makes system calls of its own at the end of a process
// What a confined process is told when it tries; 0: it may.
template <typename Try>
int error_of(Try&& attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (!confine_explainer(STDERR_FILENO)) {
            ::_exit(255);
        }
        errno = 0;
        attempt();
        ::_exit(errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a confined explainer has memory and its output, and nothing else") {
    const auto map = [](int protection, int flags, int file) {
        return [=] { static_cast<void>(::mmap(nullptr, 4096, protection, MAP_PRIVATE | flags, file, 0)); };
    };
    CHECK(error_of(map(PROT_READ | PROT_WRITE, MAP_ANONYMOUS, -1)) == 0);
    CHECK(error_of(map(PROT_READ | PROT_EXEC, MAP_ANONYMOUS, -1)) == EPERM);
    CHECK(error_of(map(PROT_READ, 0, STDIN_FILENO)) == EPERM);
    CHECK(error_of([] { ::open("/dev/null", O_RDONLY); }) == EPERM);
    CHECK(error_of([] { ::kill(::getppid(), 0); }) == EPERM);
    CHECK(error_of([] { ::fork(); }) == EPERM);
    CHECK(error_of([] { return ::write(STDERR_FILENO, "", 0); }) == 0);
    CHECK(error_of([] { return ::write(STDOUT_FILENO, "", 0); }) == EPERM);
    char byte = 0;
    CHECK(error_of([&] { return ::read(STDIN_FILENO, &byte, 1); }) == EPERM);
    CHECK(error_of(map(PROT_READ, MAP_ANONYMOUS, -1)) == 0);
    CHECK(error_of([] {
              static_cast<void>(::mmap(nullptr, std::size_t{1} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
          }) == ENOMEM);
}
#endif

}  // namespace
}  // namespace bulkhead::worker::test
