// What a death leaves for another try at the call that was running, or at the start or the stop. On the supervisor
// thread.
#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "lane.hpp"
#include "report_store.hpp"
#include "report_words.hpp"

namespace bulkhead::detail {
namespace {

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

// Hands what is needed to the store, which writes it when it keeps the report. Under the mutex, while the lane still
// holds the request.
void Lane::save_repro(Report& report, const WorkerProcess& dead) {
    ReportStore* const store = runtime_->reports.get();
    const PendingCall* call = report.running_id != 0 ? calls_.find(report.running_id) : nullptr;
    if (const auto begun = begun_calls(dead); call == nullptr && begun.size() == 1 && !was_in_calls(dead)) {
        call = begun.front();  // whose answer waited for what it died in
    }
    const std::string moment = moment_of(report);
    if (store == nullptr || store->max_repro_bytes() == 0 || (call == nullptr && moment.empty())) {
        return;
    }
    if (call == nullptr && std::exchange(saved_moment_, moment) == moment) {
        report.repro_note = "the former death of this kind left one";
        return;
    }
    const auto state = outbox_.state();
    const std::uint64_t bytes = (call != nullptr ? call->message.length : 0) + (state ? state->size() : 0);
    if (bytes > store->max_repro_bytes()) {
        report.repro_note = "request and state are " + std::to_string(bytes) + " bytes, more than the limit of " +
                            std::to_string(store->max_repro_bytes());
        return;
    }
    try {
        Repro repro = repro_of_life();
        if (call != nullptr) {
            note_call(*call, repro);
        }
        const auto all = workers();
        const bool replaced = std::any_of(all.begin(), all.end(), [&dead](const WorkerRef& other) {
            return other->incarnation > dead.incarnation && other->checkpoint > 0;
        });
        if (replaced) {
            report.repro_note = "without a state: a checkpoint of the next worker has taken its place already";
        } else if (state) {
            repro.state = SavedState{outbox_.state_version(), copy_of(*state)};
        }
        if (store->hold(report.id, std::move(repro))) {
            report.repro = store->repro_path(report.id);
        } else {
            report.repro_note = "too many deaths at once";
        }
    } catch (const std::bad_alloc&) {
        report.repro_note = "the host has no memory for it";
    }
}

Repro Lane::repro_of_life() const {
    const Manifest& manifest = release_->manifest;
    Repro repro;
    repro.manifest = {manifest.text, manifest.directory};
    repro.config = manifest.config;
    repro.library = manifest.library;
    repro.library_hash = release_->library.library->hash;
    return repro;
}

void Lane::note_call(const PendingCall& call, Repro& repro) const {
    const transport::Message& message = call.message;
    const std::byte* const request = call.block ? outbox_.block(*call.block) : message.inline_bytes;
    repro.method = release_->methods[message.method].name;
    repro.request = copy_of({request, message.length});
    if (message.traced()) {
        std::memcpy(repro.trace.emplace().data(), message.trace_id(), repro.trace->size());
    }
    if (call.deadline != transport::kNoDeadline) {
        repro.timeout = call.deadline - call.begin;
        repro.deadline_left = call.deadline - std::chrono::steady_clock::now();
    }
    repro.in_session = call.session != nullptr;
}

}  // namespace bulkhead::detail
