#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <stdlib.h>

#include "support/adoption.hpp"
#include "support/scratch_folder.hpp"

int main(int argc, char** argv) {
    return bulkhead::tests::run_adopted([=] {
        // The program under test keeps reports where the user's environment says; those of tests are nobody's.
        const bulkhead::tests::ScratchFolder state;
        ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);
        return doctest::Context(argc, argv).run();
    });
}
