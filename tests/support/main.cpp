#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS  // what a host does to signal handlers is looked at
#include <doctest/doctest.h>

#include "support/adoption.hpp"

int main(int argc, char** argv) {
    return bulkhead::tests::run_adopted([&] { return doctest::Context(argc, argv).run(); });
}
