// What a soak does.
#pragma once

namespace bulkhead::tests {

struct SoakPlan {
    int deaths = 300;
    unsigned seed = 1;
};

// As the command line says. Of the process.
SoakPlan& soak_plan();

}  // namespace bulkhead::tests
