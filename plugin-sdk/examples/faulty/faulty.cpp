#include "faulty.hpp"

#include <utility>

#include "bulkhead/plugin/json.hpp"
#include "crashes.hpp"
#include "faulty_liar.hpp"
#include "hangs.hpp"

namespace faulty {

using bulkhead::plugin::Call;

namespace {

Fault parse_fault(const nlohmann::json& config, const char* moment) {
    const std::string word = config.value(moment, "none");
    if (word == "none") return Fault::none;
    if (word == "crash") return Fault::crash;
    if (word == "hang") return Fault::hang;
    if (word == "exit") return Fault::exit;
    if (word == "fail") return Fault::fail;
    if (word == "lie") return Fault::lie;
    throw bulkhead::plugin::Error(2, std::string("the config knows no fault \"") + word + "\" at " + moment);
}

void commit(Fault fault, const char* moment) {
    switch (fault) {
        case Fault::none:
            return;
        case Fault::crash:
            return segfault();
        case Fault::hang:
            return sleep_forever();
        case Fault::exit:
            return exit_process("7");
        case Fault::fail:
            throw bulkhead::plugin::Error(7, std::string("told to fail at ") + moment);
        case Fault::lie:
            return lie_unasked();
    }
}

}  // namespace

Faulty::Faulty(const nlohmann::json& config)
    : activate_fault_(parse_fault(config, "activate")), stop_fault_(parse_fault(config, "stop")) {
    commit(parse_fault(config, "start"), "start");
}

Faulty::~Faulty() { commit(stop_fault_, "stop"); }

void Faulty::activate() { commit(activate_fault_, "activate"); }

std::string Faulty::count() { return std::to_string(++count_); }

void Faulty::never_answer(Call call) { kept_.push_back(std::move(call)); }

void Faulty::answer_later(Call call) {
    // Started when it is first needed, so that the worker has one thread until then.
    if (!answerer_.joinable()) {
        answerer_ = std::jthread([this](const std::stop_token& stop) { answer_waiting(stop); });
    }
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(call));
    }
    changed_.notify_one();
}

void Faulty::answer_waiting(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
        std::vector<Call> calls = std::exchange(waiting_, {});
        lock.unlock();
        for (Call& call : calls) {
            call.reply(call.text());
        }
        lock.lock();
    }
}

}  // namespace faulty
