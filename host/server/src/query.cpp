#include "query.hpp"

#include <algorithm>

namespace bulkhead::server {

Target parse_target(std::string_view target) {
    const std::size_t question = target.find('?');
    Target parsed{target.substr(0, question), {}};
    std::string_view rest = question == std::string_view::npos ? "" : target.substr(question + 1);
    while (!rest.empty()) {
        const std::string_view field = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(field.size() + 1, rest.size()));
        const std::size_t equals = std::min(field.find('='), field.size());
        parsed.query[field.substr(0, equals)] = field.substr(std::min(equals + 1, field.size()));
    }
    return parsed;
}

}  // namespace bulkhead::server
