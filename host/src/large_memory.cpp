#include "large_memory.hpp"

#include <atomic>
#include <utility>

namespace bulkhead::detail {

using transport::SteadyTime;

struct ReplyMemory::Block {
    explicit Block(std::size_t capacity)
        : memory(std::make_unique_for_overwrite<std::byte[]>(capacity)), size(capacity) {}

    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
    std::atomic<bool> lent{true};
};

Bytes ReplyMemory::take(std::size_t size, SteadyTime now) {
    std::shared_ptr<Block> former;
    std::shared_ptr<Block> block;
    {
        const std::lock_guard lock(mutex_);
        const bool fits = block_ && block_->size >= size && block_->size / 2 <= size;
        if (fits && !block_->lent.exchange(true, std::memory_order_acquire)) {
            block = block_;
            until_ = now + kKept;
        } else {
            former = std::move(block_);
        }
    }
    if (!block) {
        former.reset();  // before there is another one
        block = std::make_shared<Block>(size);
        expect_writes({block->memory.get(), size});
        const std::lock_guard lock(mutex_);
        former = std::exchange(block_, block);  // somebody else's
        until_ = now + kKept;
    }
    const auto let_go = [block](std::byte*) { block->lent.store(false, std::memory_order_release); };
    return Bytes(std::shared_ptr<std::byte[]>(block->memory.get(), let_go), size);
}

SteadyTime ReplyMemory::check(SteadyTime now) noexcept {
    std::shared_ptr<Block> unused;
    const std::lock_guard lock(mutex_);
    if (block_ && until_ <= now) {
        unused = std::move(block_);
    }
    return block_ ? until_ : transport::kNoDeadline;
}

}  // namespace bulkhead::detail
