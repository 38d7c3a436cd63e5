// Step: the host goes, and everything with it.
#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "common/wording.hpp"
#include "stage.hpp"

namespace bulkhead::demo {
namespace {

constexpr std::chrono::seconds kPatience{2};  // for the kernel to take a joined thread off its list

void add_row(Table& table, const char* when, const Surroundings& surroundings) {
    table.add({when, std::to_string(surroundings.processes.size()), std::to_string(surroundings.threads),
               std::to_string(surroundings.descriptors.size()), std::to_string(surroundings.mapped_memory),
               std::to_string(surroundings.named_memory.size())});
}

// What is left once nothing more goes away.
Surroundings look_until_clean(const Surroundings& before) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    Surroundings now = Surroundings::look();
    while (!now.adds_nothing_to(before) && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
        now = Surroundings::look();
    }
    return now;
}

}  // namespace

void leave_nothing_behind(Stage& stage) {
    stage.screen.step("Destroy the host");
    const Surroundings during = Surroundings::look();
    // Plugin handles may stay: they keep no process and no memory of a worker alive.
    const auto begin = std::chrono::steady_clock::now();
    stage.host.reset();
    const auto time = std::chrono::steady_clock::now() - begin;
    // A child whose parent is gone is no descendant any more, so each one is looked for by itself.
    const bool all_gone =
        std::none_of(during.processes.begin(), during.processes.end(),
                     [](const tests::ProcessStatus& process) { return tests::status_of(process.pid).state != 'X'; });
    stage.checksum.reset();
    stage.greeter.reset();
    stage.greeter_rust.reset();
    stage.faulty.reset();
    const Surroundings after = look_until_clean(stage.before);

    Table table({Table::left(""), Table::right("child processes"), Table::right("threads"), Table::right("descriptors"),
                 Table::right("mapped memory files"), Table::right("objects in /dev/shm")});
    add_row(table, "before the host", stage.before);
    add_row(table, "with the host", during);
    add_row(table, "after it", after);
    stage.screen.table(table);
    stage.screen.check(all_gone, "when its destructor returned, after " + duration_text(time) +
                                     ", no process of the host was there any more");
    stage.screen.check(after.adds_nothing_to(stage.before), "nothing else is left");
    for (const std::string& left : after.added_to(stage.before)) {
        stage.screen.quote(left);
    }
}

}  // namespace bulkhead::demo
