# Provides `bulkhead_add_fuzzer(<name> <sources>...)`: a libFuzzer program in <build>/fuzzers, where scripts/fuzz
# runs it. Does nothing unless BULKHEAD_BUILD_FUZZERS is on. The target `bulkhead_fuzzers` builds them all.

if(BULKHEAD_BUILD_FUZZERS)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "BULKHEAD_BUILD_FUZZERS needs clang: use the preset `fuzz`.")
    endif()
    # Coverage of everything that is linked into a fuzzer steers it.
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_custom_target(bulkhead_fuzzers)
endif()

function(bulkhead_add_fuzzer name)
    if(NOT BULKHEAD_BUILD_FUZZERS)
        return()
    endif()
    add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
    target_link_libraries(${name} PRIVATE bulkhead_build_options)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzzers")
    add_dependencies(bulkhead_fuzzers ${name})
endfunction()
