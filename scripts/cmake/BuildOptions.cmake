# Provides `bulkhead_build_options`: the warnings of our own code. Our targets link it PRIVATE, so that nobody
# who embeds Bulkhead inherits them.

add_library(bulkhead_build_options INTERFACE)

if(PROJECT_IS_TOP_LEVEL OR BULKHEAD_WARNINGS_AS_ERRORS)
    target_compile_options(bulkhead_build_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
endif()
if(BULKHEAD_WARNINGS_AS_ERRORS)
    target_compile_options(bulkhead_build_options INTERFACE -Werror)
endif()

# g++ 12 sees overlapping copies in std::string's operator+ where there are none (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(bulkhead_build_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
# g++ says itself that sanitizers make this warning guess wrong.
if(BULKHEAD_SANITIZER AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(bulkhead_build_options INTERFACE -Wno-maybe-uninitialized)
endif()
