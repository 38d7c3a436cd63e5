#include "explanation.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bulkhead::worker {
namespace {

constexpr std::size_t kLongestName = 512;  // of what a library calls its functions and files

std::string shortened(std::string text) {
    text.resize(std::min(text.size(), kLongestName));
    return text;
}

}  // namespace

std::string text_of(const Explanation& explanation) {
    nlohmann::json frames = nlohmann::json::array();
    for (const ExplainedFrame& frame : explanation.frames) {
        frames.push_back({{"address", frame.address},
                          {"lookup", frame.lookup},
                          {"function", shortened(frame.function)},
                          {"file", shortened(frame.file)},
                          {"line", frame.line}});
    }
    const nlohmann::json json = {{"frames", frames}, {"note", explanation.note}};
    return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace bulkhead::worker
