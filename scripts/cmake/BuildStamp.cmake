# Provides `bulkhead_build_stamp`: the generated header <bulkhead/transport/build_stamp.hpp>. The stamp is a
# SHA-256 over all that a host and its workers must agree on; a worker with another stamp is refused.

file(GLOB bulkhead_stamp_files CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/host/transport/include/bulkhead/transport/*.hpp"
    "${PROJECT_SOURCE_DIR}/plugin-sdk/include/bulkhead/plugin/plugin.h")
list(SORT bulkhead_stamp_files)

# A sanitizer is part of it, because a worker without cannot load a plugin with one.
set(bulkhead_stamp_text "version ${PROJECT_VERSION}\nsanitizer ${BULKHEAD_SANITIZER}\n")
foreach(path IN LISTS bulkhead_stamp_files)
    file(SHA256 "${path}" hash)
    cmake_path(GET path FILENAME name)
    string(APPEND bulkhead_stamp_text "${name} ${hash}\n")
endforeach()
string(SHA256 BULKHEAD_BUILD_STAMP "${bulkhead_stamp_text}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${bulkhead_stamp_files})

configure_file("${CMAKE_CURRENT_LIST_DIR}/build_stamp.hpp.in"
    "${PROJECT_BINARY_DIR}/generated/bulkhead/transport/build_stamp.hpp" @ONLY)

add_library(bulkhead_build_stamp INTERFACE)
target_include_directories(bulkhead_build_stamp INTERFACE "${PROJECT_BINARY_DIR}/generated")
