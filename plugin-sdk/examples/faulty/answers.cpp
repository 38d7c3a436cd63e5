#include "answers.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "arguments.hpp"

namespace faulty {

using bulkhead::plugin::Call;

std::string_view echo(std::string_view request) { return request; }

void echo_in_place(std::string_view request, Call& call) {
    const auto answer = call.reply_buffer(request.size());
    std::copy(call.bytes().begin(), call.bytes().end(), answer.begin());
    call.commit_reply(answer.size());
}

void big_reply(std::string_view request, Call& call) {
    const auto answer = call.reply_buffer(parse_number<std::size_t>(request, "big_reply"));
    for (std::size_t i = 0; i < answer.size(); ++i) {
        answer[i] = static_cast<std::byte>(i % 251);
    }
    call.commit_reply(answer.size());
}

void too_big(std::string_view request, Call& call) {
    call.reply(std::vector<std::byte>(parse_number<std::size_t>(request, "too_big")));
}

void fail(std::string_view request, Call& call) {
    const WordAndRest argument(request);
    call.fail(parse_number<std::int32_t>(argument.word, "fail"), std::string(argument.rest).c_str());
}

void throw_exception(std::string_view request) { throw std::runtime_error(std::string(request)); }

std::string deadline(Call& call) {
    const auto time = call.deadline();
    return std::to_string(time ? time->time_since_epoch() / std::chrono::nanoseconds(1) : 0);
}

}  // namespace faulty
