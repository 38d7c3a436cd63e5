// What becomes of the dynamic loader's messages.
#include <doctest/doctest.h>

#include "load_failure.hpp"

namespace bulkhead::worker::test {
namespace {

std::string explain(std::string_view message) {
    return explain_load_failure("libx.so", message, {{"/proc/self/fd/7", "libx.so"}, {"/proc/self/fd/71", "liby.so"}});
}

TEST_CASE("the loader's messages become sentences about the library, without our paths") {
    CHECK(explain("libgone.so.1: cannot open shared object file: No such file or directory") ==
          "library libx.so needs libgone.so.1, which was not found");
    CHECK(explain("/proc/self/fd/7: undefined symbol: frobnicate") ==
          "library libx.so refers to the symbol frobnicate, which nothing defines");
    CHECK(explain("/proc/self/fd/71: undefined symbol: frob, version FROB_1.0") ==
          "library liby.so refers to the symbol frob, version FROB_1.0, which nothing defines");
    CHECK(explain("/proc/self/fd/7: file too short") == "library libx.so could not be loaded: libx.so: file too short");
    CHECK(explain("/lib/libc.so.6: version `GLIBC_9.9' not found (required by /proc/self/fd/71)") ==
          "library libx.so could not be loaded: /lib/libc.so.6: version `GLIBC_9.9' not found (required by liby.so)");
    CHECK(explain("libz.so.1: cannot open shared object file: Too many open files") ==
          "library libx.so could not be loaded: libz.so.1: cannot open shared object file: Too many open files");
}

}  // namespace
}  // namespace bulkhead::worker::test
