#include "support/collectors.hpp"

#include <algorithm>

namespace bulkhead::tests {

bool LogCollector::await_line(std::string_view text) const {
    return await([text](const std::vector<LogLine>& lines) {
        return std::any_of(lines.begin(), lines.end(), [text](const LogLine& line) { return line.text == text; });
    });
}

std::vector<std::string> LogCollector::texts(LogSource source) const {
    std::vector<std::string> found;
    for (const LogLine& line : all()) {
        if (line.source == source) {
            found.push_back(line.text);
        }
    }
    return found;
}

}  // namespace bulkhead::tests
