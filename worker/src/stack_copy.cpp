#include "stack_copy.hpp"

#include <algorithm>
#include <cstring>

namespace bulkhead::worker {

StackCopy::StackCopy(const transport::BlackBox& box) noexcept
    : box_(box), length_(std::min<std::uint64_t>(box.record.copy_length, transport::kBlackBoxStack)) {}

std::optional<std::uint64_t> StackCopy::word_at(std::uint64_t address) noexcept {
    std::uint64_t word = 0;
    const std::uint64_t offset = address - box_.record.copy_address;  // huge when the address is below
    if (length_ < sizeof word || offset > length_ - sizeof word) {
        ended_early_ = ended_early_ || (address < box_.record.stack_end && address >= box_.record.copy_address);
        return std::nullopt;
    }
    std::memcpy(&word, box_.stack + offset, sizeof word);
    return word;
}

std::span<const transport::BlackBoxModule> StackCopy::modules() const noexcept {
    return {box_.record.modules, std::min<std::size_t>(box_.record.module_count, transport::kBlackBoxModules)};
}

const transport::BlackBoxModule* StackCopy::module_at(std::uint64_t address) const noexcept {
    const auto all = modules();
    const auto found = std::find_if(all.begin(), all.end(), [address](const transport::BlackBoxModule& module) {
        return address >= module.begin && address < module.end;
    });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace bulkhead::worker
