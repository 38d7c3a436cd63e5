// The stack of a dead worker, as far as its black box has it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "bulkhead/transport/black_box.hpp"

namespace bulkhead::worker {

// Reads a black box that may hold anything. Borrows it.
class StackCopy {
  public:
    explicit StackCopy(const transport::BlackBox& box) noexcept;

    // Nothing where the copy does not reach.
    std::optional<std::uint64_t> word_at(std::uint64_t address) noexcept;
    // Something above the copy, which the stack goes on with, was asked for.
    bool ended_early() const noexcept { return ended_early_; }

    // As in gregset_t.
    std::uint64_t register_value(int number) const noexcept { return box_.record.registers[number]; }
    std::span<const transport::BlackBoxModule> modules() const noexcept;
    // The module that the address lies in; null: none.
    const transport::BlackBoxModule* module_at(std::uint64_t address) const noexcept;

  private:
    const transport::BlackBox& box_;
    std::uint64_t length_;
    bool ended_early_ = false;
};

}  // namespace bulkhead::worker
