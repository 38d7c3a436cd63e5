#include "support/death.hpp"

#include <doctest/doctest.h>

#include "support/outcomes.hpp"

namespace bulkhead::tests {

Report report_of(const Service& service, std::string_view method, std::string_view request) {
    const std::size_t before = service.deaths().all().size();
    const auto outcome = service.plugin().call(method, request);
    CAPTURE(method);
    CAPTURE(sentence(outcome));
    REQUIRE(service.deaths().await_count(before + 1));
    return service.deaths().all()[before];
}

}  // namespace bulkhead::tests
