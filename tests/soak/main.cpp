// Random deaths under load. usage: bulkhead-soak [DEATHS [SEED]], or doctest's options.
#define DOCTEST_CONFIG_IMPLEMENT
#include "soak.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>

#include "support/adoption.hpp"

namespace bulkhead::tests {

SoakPlan& soak_plan() {
    static SoakPlan plan;
    return plan;
}

}  // namespace bulkhead::tests

int main(int argc, char** argv) {
    auto& plan = bulkhead::tests::soak_plan();
    if (argc > 1 && argv[1][0] != '-') {
        plan.deaths = std::atoi(argv[1]);
    }
    if (argc > 2 && argv[2][0] != '-') {
        plan.seed = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
    }
    return bulkhead::tests::run_adopted([&] { return doctest::Context(argc, argv).run(); });
}
