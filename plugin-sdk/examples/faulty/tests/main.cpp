// The tests of the faulty plugin.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS  // the victims' deaths are their own
#include <doctest/doctest.h>
