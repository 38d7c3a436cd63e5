# Applies BULKHEAD_SANITIZER to every target of the build: a worker and the plugins it loads must agree on it.

if(BULKHEAD_SANITIZER STREQUAL "address")
    # Not vptr: it needs a free descriptor for each look at an object, and some tests leave none.
    set(bulkhead_sanitizer_options -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all)
elseif(BULKHEAD_SANITIZER STREQUAL "thread")
    set(bulkhead_sanitizer_options -fsanitize=thread)
elseif(NOT BULKHEAD_SANITIZER STREQUAL "")
    message(FATAL_ERROR "BULKHEAD_SANITIZER is \"${BULKHEAD_SANITIZER}\"; it can be empty, address or thread.")
endif()

if(BULKHEAD_SANITIZER)
    add_compile_options(${bulkhead_sanitizer_options} -fno-omit-frame-pointer)
    add_link_options(${bulkhead_sanitizer_options})
endif()

# g++ warns that TSan does not model fences. Ours order memory between processes, which it cannot see anyway.
if(BULKHEAD_SANITIZER STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
endif()
