#include "life_report.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bulkhead::worker {

using transport::Life;

// The host reads these three when the worker has died or takes too long; until then they are nobody's news.
void LifeReport::loading(std::string_view step) noexcept { note(Life::loading, step); }

void LifeReport::restoring() noexcept { note(Life::restoring, "in its load function"); }

void LifeReport::activating() noexcept { note(Life::activating, "in its activate function"); }

void LifeReport::serving() noexcept { note(Life::serving, ""); }

void LifeReport::handed_over() noexcept { enter(Life::handed_over); }

void LifeReport::ready(const std::vector<bulkhead_method>& methods, std::uint32_t traits) noexcept {
    transport::MethodRecord* record = outbox_.methods();
    for (const bulkhead_method& method : methods) {
        std::strncpy(record->name, method.name, sizeof record->name - 1);
        record->flags = method.flags;
        ++record;
    }
    outbox_.header().method_count = static_cast<std::uint32_t>(methods.size());
    outbox_.header().traits = traits;
    note(Life::ready, "");
}

void LifeReport::refused(const Refusal& refusal) noexcept { give_up(Life::refused, refusal); }

void LifeReport::state_refused(const Refusal& refusal) noexcept { give_up(Life::state_refused, refusal); }

void LifeReport::give_up(Life life, const Refusal& refusal) noexcept {
    enter(life, refusal.sentence);
    std::fflush(nullptr);  // the plugin's output may say more
    std::_Exit(EXIT_SUCCESS);
}

void LifeReport::stopped() noexcept { enter(Life::stopped); }

void LifeReport::enter(Life life, std::string_view step) noexcept {
    note(life, step);
    signal_.raise();
}

void LifeReport::enter(Life life) noexcept {
    set(life);
    signal_.raise();
}

void LifeReport::note(Life life, std::string_view step) noexcept {
    outbox_.write_failure(step);
    set(life);
}

void LifeReport::set(Life life) noexcept {
    outbox_.header().life.store(static_cast<std::uint32_t>(life), std::memory_order_release);
}

}  // namespace bulkhead::worker
