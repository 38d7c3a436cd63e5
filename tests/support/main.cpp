#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS  // what a host does to signal handlers is looked at
#include <doctest/doctest.h>
