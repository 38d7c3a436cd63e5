#include "method_trial.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

constexpr std::uint64_t kMostRequests = 600;
constexpr std::uint64_t kMostFaults = 5;   // then the next method
constexpr std::uint64_t kEmptyObject = 1;  // the number of that request
constexpr std::size_t kMostSent = std::size_t{64} << 20;

std::uint64_t largest_request(const ManifestDescription& manifest) {
    return std::min({manifest.payload, manifest.in_flight_bytes, std::uint64_t{kMostSent}});
}

// What a plugin said itself, without the host's words around it.
std::string own_words(const std::string& sentence) {
    constexpr std::string_view kMark = "' failed: ";
    const std::size_t at = sentence.find(kMark);
    return at == std::string::npos ? "" : sentence.substr(at + kMark.size());
}

}  // namespace

MethodTrial::MethodTrial(Examination& examination, std::string method)
    : examination_(examination),
      method_(std::move(method)),
      maker_(examination.options().seed, method_, largest_request(examination.manifest()), {}) {}

result<Bytes> MethodTrial::call(const Plugin& plugin, const std::string& request,
                                std::chrono::nanoseconds timeout) const {
    CallOptions options;
    options.timeout = timeout;
    return plugin.call(method_, request, options);
}

void MethodTrial::run(Examination::Clock::time_point end) {
    const auto plugin = examination_.load();
    if (!plugin) {
        accuse_start(plugin.error());
        return;
    }
    const std::optional<Accident> accident = learn_words(*plugin);
    if (const auto one = examination_.options().one_case) {
        try_alone(*plugin, *one, accident.has_value());
        return;
    }
    if (accident && accident->question == 0) {
        judge(*plugin, kEmptyObject, maker_.make(kEmptyObject), accident->error);
    } else if (accident) {
        accuse_questions(accident->error);
    }
    if (!hangs_ && !refused_) {
        try_all(*plugin, end);
    }
    examination_.unload(hangs_);
    tell();
}

// Only this request, in a life that has seen nothing but the questions about fields.
void MethodTrial::try_alone(Plugin plugin, std::uint64_t number, bool spoiled) {
    if (spoiled) {
        examination_.unload(true);
        const auto fresh = examination_.load();
        if (!fresh) {
            accuse_start(fresh.error());
            return;
        }
        plugin = *fresh;
    }
    try_request(plugin, number);
    examination_.unload(hangs_);
    tell();
}

void MethodTrial::try_all(const Plugin& plugin, Examination::Clock::time_point end) {
    using Clock = Examination::Clock;
    const auto calls_end = Clock::now() + (end - Clock::now()) / 2;
    for (std::uint64_t number = 0; number < kMostRequests && (number == 0 || Clock::now() < calls_end); ++number) {
        if (!try_request(plugin, number)) {
            break;
        }
    }
    if (faults_.empty()) {
        look_at_deadlines(plugin);
        look_for_leaks(plugin, end);
    }
}

// It did not survive an object with the fields that it asked for.
void MethodTrial::accuse_questions(const Error& error) {
    hangs_ = error.code == ErrorCode::timed_out;
    ++faults_[error.message];
    examination_.add(Verdict::finding, "calls",
                     "method " + method_ + ", given the fields that it named as missing: " + error.message,
                     examination_.replay(method_, std::nullopt), error.report);
}

void MethodTrial::accuse_start(const Error& error) {
    examination_.add(Verdict::finding, "start", "it did not start once more: " + error.message, {}, error.report);
}

// A method that says which field it misses is told values for that field later. Always the same questions, so that a
// replay learns the same. What a question led to, when that was no answer.
std::optional<MethodTrial::Accident> MethodTrial::learn_words(const Plugin& plugin) {
    constexpr int kMostQuestions = 8;
    std::optional<Accident> accident;
    std::vector<std::string> words;
    std::string question = maker_.make(kEmptyObject).bytes;
    for (int asked = 0; asked < kMostQuestions; ++asked) {
        const auto answer = call(plugin, question, examination_.patience());
        if (answer) {
            break;
        }
        if (answer.error().code != ErrorCode::plugin_failed) {
            accident = Accident{asked, answer.error()};
            break;
        }
        bool is_new = false;
        for (const std::string& word : quoted_words(own_words(answer.error().message))) {
            if (std::find(words.begin(), words.end(), word) == words.end()) {
                words.push_back(word);
                is_new = true;
            }
        }
        if (!is_new) {
            break;
        }
        nlohmann::json next = nlohmann::json::object();
        for (const std::string& word : words) {
            next[word] = 1;
        }
        question = next.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    maker_ =
        RequestMaker(examination_.options().seed, method_, largest_request(examination_.manifest()), std::move(words));
    return accident;
}

std::chrono::nanoseconds MethodTrial::patience_for(const MadeRequest& request) const {
    constexpr std::size_t kMebibyte = std::size_t{1} << 20;
    return examination_.patience() * (request.bytes.size() > kMebibyte ? 4 : 1);
}

bool MethodTrial::try_request(const Plugin& plugin, std::uint64_t number) {
    const MadeRequest request = maker_.make(number);
    const auto begin = Examination::Clock::now();
    const auto outcome = call(plugin, request.bytes, patience_for(request));
    const auto took = Examination::Clock::now() - begin;
    ++tried_;
    const bool failed = !outcome && outcome.error().code == ErrorCode::plugin_failed;
    replies_ += outcome ? 1 : 0;
    errors_ += failed ? 1 : 0;
    if (outcome || failed) {
        remember(number, request, outcome.has_value(), took);
        return true;
    }
    return judge(plugin, number, request, outcome.error());
}

// What an error means that is not the plugin's own.
bool MethodTrial::judge(const Plugin& plugin, std::uint64_t number, const MadeRequest& request, const Error& error) {
    if (error.code == ErrorCode::overloaded || error.code == ErrorCode::too_large) {
        return true;  // its manifest allows no more; that is no fault
    }
    accuse(plugin, number, request, error);
    const std::uint64_t faults = [this] {
        std::uint64_t sum = 0;
        for (const auto& [what, count] : faults_) {
            sum += count;
        }
        return sum;
    }();
    return faults < kMostFaults && !hangs_ && !refused_;
}

void MethodTrial::remember(std::uint64_t number, const MadeRequest& request, bool replied,
                           std::chrono::nanoseconds took) {
    constexpr std::chrono::milliseconds kQuick{20};
    constexpr std::size_t kShort = 4096;
    constexpr std::size_t kLarge = std::size_t{1} << 20;  // then copying it takes its time
    const std::size_t size = request.bytes.size();
    auto& example = replied ? served_ : declined_;
    if (took < kQuick && size <= kShort && (!example || size > example->size)) {
        example = Experience{number, size, took};
    }
    if (size <= kLarge && (!slowest_ || took > slowest_->took)) {
        slowest_ = Experience{number, size, took};
    }
}

bool MethodTrial::happens_again(const Plugin& plugin, const MadeRequest& request, ErrorCode code) {
    const auto again = call(plugin, request.bytes, patience_for(request));
    return again.has_error() && again.error().code == code;
}

void MethodTrial::accuse(const Plugin& plugin, std::uint64_t number, const MadeRequest& request, const Error& error) {
    std::string what;
    switch (error.code) {
        case ErrorCode::crashed:
        case ErrorCode::protocol_violation:
            what = "its worker " + (error.report ? error.report->clause() : std::string("died"));
            break;
        case ErrorCode::timed_out:
            hangs_ = true;
            what = "no answer came within " + shown(patience_for(request));
            break;
        default:
            refused_ = true;
            what = error.message;
            break;
    }
    if (++faults_[what] > 1) {
        return;
    }
    // A hang is not waited for twice.
    const bool again =
        !refused_ && (hangs_ || examination_.options().one_case || happens_again(plugin, request, error.code));
    std::string text = "method " + method_ + ", case " + std::to_string(number) + " (" + request.what + ", " +
                       counted(request.bytes.size(), "byte") + "): " + what;
    if (!again && !refused_) {
        text += "; not with this request alone, but after the cases before it";
    }
    examination_.add(Verdict::finding, "calls", text,
                     examination_.replay(method_, again ? std::optional(number) : std::nullopt), error.report);
}

void MethodTrial::tell() {
    for (const auto& [what, count] : faults_) {
        if (count > 1) {
            examination_.add(Verdict::note, "calls",
                             "method " + method_ + ": " + counted(count, "case") + " led to the same: " + what);
        }
    }
    if (faults_.empty()) {
        examination_.add(Verdict::good, "calls",
                         "method " + method_ + ": " + counted(tried_, "request") + ", " + std::to_string(replies_) +
                             (replies_ == 1 ? " reply, " : " replies, ") + counted(errors_, "error") + " of its own");
    }
}

void check_calls(Examination& examination) {
    using Clock = Examination::Clock;
    const std::vector<std::string> methods = examination.methods();
    std::size_t left = methods.size();
    for (const std::string& method : methods) {
        if (examination.is_over()) {
            examination.add(
                Verdict::note, "calls",
                "the time was over before " + counted(left, "method") + " could be tried; give more with --budget");
            return;
        }
        const auto now = Clock::now();
        const auto share = (examination.end() - now) / static_cast<Clock::rep>(left);
        MethodTrial(examination, method).run(now + share);
        --left;
    }
}

}  // namespace bulkhead::cli
