#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "bounded_json.hpp"
#include "inspector.hpp"
#include "runtime.hpp"

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMaxAnswer = std::size_t{1} << 20;
constexpr int kTries = 3;  // the fork server may die under it

Error clause(std::string text) { return Error{ErrorCode::load_failed, Effect::none, 0, std::move(text), nullptr}; }

// One inspection on its way. What it brings back comes through the pipe; a failed start closes the pipe, and says why.
class InspectionOrder : public LaunchListener {
  public:
    InspectionOrder(Descriptor output_far, std::shared_ptr<const Descriptor> file)
        : output_far_(std::move(output_far)), file_(std::move(file)) {}

    std::vector<int> descriptors() const { return {output_far_.get(), file_->get()}; }

    void on_started(std::uint64_t, std::int32_t, Descriptor) override { output_far_.reset(); }
    void on_start_failed(std::uint64_t, int error) override {
        error_ = error;
        output_far_.reset();
    }

    // Of the failed start, once the pipe has ended; 0: there was none.
    int error() const noexcept { return error_; }

  private:
    Descriptor output_far_;
    std::shared_ptr<const Descriptor> file_;
    std::atomic<int> error_{0};
};

// Reads to the end of the pipe. False: it took too long or is too much.
bool read_answer(const Descriptor& pipe, std::string& answer) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd readable{pipe.get(), POLLIN, 0};
        const int ready = ::poll(&readable, 1, std::max(0, static_cast<int>(rest.count())));
        if (ready == 0) {
            return false;
        }
        char buffer[4096];
        const ssize_t count = ready < 0 ? -1 : ::read(pipe.get(), buffer, sizeof buffer);
        if (count == 0) {
            return true;
        }
        if (count > 0) {
            answer.append(buffer, static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return false;
        }
        if (answer.size() > kMaxAnswer) {
            return false;
        }
    }
}

result<LibraryInspection> facts_from(const std::string& answer) {
    std::string cause;
    const auto json = parse_bounded_json(answer, cause);
    if (!json || !json->is_object()) {
        return clause("the process that inspected it died or answered nonsense");
    }
    try {
        if (const auto error = json->find("error"); error != json->end()) {
            return clause(error->get<std::string>());
        }
        LibraryInspection facts;
        json->at("machine").get_to(facts.machine);
        json->at("soname").get_to(facts.soname);
        json->at("needed").get_to(facts.needed);
        json->at("exports_entry").get_to(facts.exports_entry);
        json->at("exports").get_to(facts.exports);
        json->at("export_count").get_to(facts.export_count);
        json->at("imports").get_to(facts.imports);
        json->at("import_count").get_to(facts.import_count);
        return facts;
    } catch (const nlohmann::json::exception&) {
        return clause("the process that inspected it answered nonsense");
    }
}

}  // namespace

result<LibraryInspection> inspect_library(Runtime& runtime, std::shared_ptr<const Descriptor> file) {
    std::string answer;
    for (int attempt = 0; attempt < kTries && answer.empty(); ++attempt) {
        int pair[2];
        if (::pipe2(pair, O_CLOEXEC) != 0) {
            return clause("the host cannot make a pipe to inspect it: " + std::generic_category().message(errno));
        }
        const Descriptor near_end(pair[0]);
        auto inspection = std::make_shared<InspectionOrder>(Descriptor(pair[1]), file);
        LaunchOrder order;
        order.start_id = runtime.next_start_id();
        order.message.role = transport::WorkerRole::inspect;
        order.descriptors = inspection->descriptors();
        order.listener = inspection;
        order.keeps = inspection;
        const bool posted = runtime.supervisor.post(
            [&runtime, order = std::move(order)]() mutable { runtime.launcher->order(std::move(order)); });
        if (!posted) {
            return clause("the host is being destroyed");
        }
        if (!read_answer(near_end, answer)) {
            return clause("inspecting it took too long");
        }
        // ESRCH: the blanks that were there had been killed.
        if (const int error = inspection->error(); error != 0 && error != ESRCH) {
            return clause("no process can be made to inspect it: " + std::generic_category().message(error));
        }
    }
    return facts_from(answer);
}

}  // namespace bulkhead::detail
