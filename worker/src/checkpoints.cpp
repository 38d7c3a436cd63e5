#include "checkpoints.hpp"

#include <chrono>

#include "death_point.hpp"

namespace bulkhead::worker {

Checkpoints::Checkpoints(const transport::HostOutboxView& host, transport::WorkerOutbox& outbox,
                         const SignalEvent& signal, const PluginInstance& instance, ReplyOutbox& replies,
                         Services& services, const CheckpointRule& rule)
    : signal_(signal),
      instance_(instance),
      replies_(replies),
      services_(services),
      rule_(rule),
      active_(instance.has_state()),
      writer_(outbox, host.held_checkpoint()) {
    services_.use(*this);
    if (active_ && rule_.every_calls == 1) {
        replies_.hold_answers();
    }
}

void Checkpoints::begin(std::uint64_t position) noexcept { start_ = position_ = position; }

void Checkpoints::after_call() noexcept {
    ++calls_since_;
    if (rule_.every.count() > 0 && due_at_ == transport::kNoDeadline) {
        due_at_ = std::chrono::steady_clock::now() + rule_.every;
    }
    if ((rule_.every_calls > 0 && calls_since_ >= rule_.every_calls) || is_due()) {
        take();
    }
}

bool Checkpoints::is_due() const noexcept {
    return active_ && (replies_.holds_any() || requested_.load(std::memory_order_acquire) ||
                       (due_at_ != transport::kNoDeadline && due_at_ <= std::chrono::steady_clock::now()));
}

void Checkpoints::take() noexcept {
    requested_.store(false, std::memory_order_relaxed);
    calls_since_ = 0;
    due_at_ = transport::kNoDeadline;
    // What is answered from here on, by other threads, may not be in it.
    const ReplyOutbox::Answers answers = replies_.answers();
    overflow_ = false;
    writer_.begin();
    saving_ = true;
    const auto refusal = instance_.save(reinterpret_cast<bulkhead_state*>(this));
    saving_ = false;
    if (refusal || overflow_) {
        report_failure(refusal ? refusal->sentence : "it is larger than state.limit of the manifest");
        replies_.fail_held(answers.held, "the plugin's state could not be saved");
        return;
    }
    const auto open = static_cast<std::uint32_t>(position_ - start_ - answers.given);
    death_point("in_checkpoint");
    const std::uint64_t sequence = writer_.publish(position_, instance_.state_version(), open);
    death_point("after_checkpoint");
    replies_.publish_held(answers.held, sequence);
    if (answers.held == 0) {
        signal_.raise();  // no answer brings the host to it
    }
}

void Checkpoints::request() noexcept {
    // Within save it would ask for what is being done, and for the same again from there, without an end.
    const bool within_save = std::this_thread::get_id() == main_thread_ && saving_;
    if (active_ && !within_save) {
        requested_.store(true, std::memory_order_release);
        replies_.wake_dispatcher();
    }
}

bool Checkpoints::write(const void* data, std::size_t size) noexcept {
    overflow_ = overflow_ || !writer_.append(data, size);
    return !overflow_;
}

void Checkpoints::report_failure(const std::string& sentence) noexcept {
    services_.log(BULKHEAD_LOG_ERROR, "its state could not be saved: " + sentence);
}

}  // namespace bulkhead::worker
