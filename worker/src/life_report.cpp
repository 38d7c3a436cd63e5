#include "life_report.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bulkhead::worker {

using transport::Life;

void LifeReport::loading(std::string_view step) noexcept {
    outbox_.write_failure(step);
    enter(Life::loading);
}

void LifeReport::ready(const std::vector<bulkhead_method>& methods) noexcept {
    transport::MethodRecord* record = outbox_.methods();
    for (const bulkhead_method& method : methods) {
        std::strncpy(record->name, method.name, sizeof record->name - 1);
        record->flags = method.flags;
        ++record;
    }
    outbox_.header().method_count = static_cast<std::uint32_t>(methods.size());
    outbox_.write_failure("");
    enter(Life::ready);
}

void LifeReport::refused(const Refusal& refusal) noexcept {
    outbox_.write_failure(refusal.sentence);
    enter(Life::refused);
    std::fflush(nullptr);  // the plugin's output may say more
    std::_Exit(EXIT_SUCCESS);
}

void LifeReport::stopped() noexcept { enter(Life::stopped); }

void LifeReport::enter(Life life) noexcept {
    outbox_.header().life.store(static_cast<std::uint32_t>(life), std::memory_order_release);
    signal_.raise();
}

}  // namespace bulkhead::worker
