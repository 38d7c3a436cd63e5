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

# The same for tests. Optimizing their checks and telling debuggers all about them takes a third of their compilers' time,
# and buys nothing: what is tested is built as always.
add_library(bulkhead_test_options INTERFACE)
target_link_libraries(bulkhead_test_options INTERFACE bulkhead_build_options)
target_compile_options(bulkhead_test_options INTERFACE
    "$<$<CONFIG:Release,RelWithDebInfo>:-O1;-g1>" "$<$<CONFIG:Debug>:-O0>")

# bulkhead_compile_together(<target> [<source>...])
# With BULKHEAD_UNITY_BUILD a dozen of the target's sources are compiled as one, but for those that are named, which have
# private names in common with others, and for main.cpp, which in tests is doctest's implementation. Building everything
# takes half the time then, and a change of one line longer.
option(BULKHEAD_UNITY_BUILD "Compile many sources as one: for builds of everything" OFF)
function(bulkhead_compile_together target)
    if(BULKHEAD_UNITY_BUILD)
        get_target_property(sources ${target} SOURCES)
        list(FILTER sources INCLUDE REGEX "(^|/)main\\.cpp$")
        set_source_files_properties(${sources} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
        set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
endfunction()
