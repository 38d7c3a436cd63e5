# Provides `bulkhead_boost`: Boost's headers, 1.81 or later; `bulkhead_boost_process`: what our own use of Boost.Process
# needs besides; and BULKHEAD_BOOST_VERSION, such as 1.81, or nothing where that is not known.
#
# A server that found its own Boost before it added us shares that one. Else the first <boost/version.hpp> counts,
# in BOOST_ROOT, CMAKE_PREFIX_PATH, /usr/local and /usr: bare headers are enough, as the compiler sees them.

add_library(bulkhead_boost INTERFACE)

if(TARGET Boost::headers)
    target_link_libraries(bulkhead_boost INTERFACE Boost::headers)
    get_target_property(bulkhead_boost_folder Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
else()
    find_path(BULKHEAD_BOOST_INCLUDE_DIR boost/version.hpp HINTS ENV BOOST_ROOT PATH_SUFFIXES include)
    mark_as_advanced(BULKHEAD_BOOST_INCLUDE_DIR)
    set(bulkhead_boost_folder "${BULKHEAD_BOOST_INCLUDE_DIR}")
    if(bulkhead_boost_folder)
        target_include_directories(bulkhead_boost SYSTEM INTERFACE "${bulkhead_boost_folder}")
    endif()
endif()

# As Boost counts: major * 100000 + minor * 100 + patch. A server's Boost in a tree of folders is not looked into.
set(bulkhead_boost_version 0)
if(bulkhead_boost_folder MATCHES "[$]<")
    set(bulkhead_boost_version 108100)
    set(bulkhead_boost_folder "")
endif()
find_file(bulkhead_boost_version_file boost/version.hpp PATHS ${bulkhead_boost_folder} NO_DEFAULT_PATH NO_CACHE)
if(bulkhead_boost_version_file)
    file(STRINGS "${bulkhead_boost_version_file}" bulkhead_boost_version REGEX "^#define BOOST_VERSION [0-9]+")
    string(REGEX MATCH "[0-9]+" bulkhead_boost_version "${bulkhead_boost_version}")
endif()
if(bulkhead_boost_version LESS 108100)
    message(FATAL_ERROR "Boost 1.81 or later is needed; found: version ${bulkhead_boost_version} in "
                        "\"${bulkhead_boost_folder}\". Run scripts/setup, or name another place with "
                        "-DCMAKE_PREFIX_PATH=<folder>.")
endif()

math(EXPR bulkhead_boost_major "${bulkhead_boost_version} / 100000")
math(EXPR bulkhead_boost_minor "${bulkhead_boost_version} / 100 % 1000")
set(BULKHEAD_BOOST_VERSION "${bulkhead_boost_major}.${bulkhead_boost_minor}")
if(NOT bulkhead_boost_version_file)
    set(BULKHEAD_BOOST_VERSION "")
endif()

add_library(bulkhead_boost_process INTERFACE)
target_link_libraries(bulkhead_boost_process INTERFACE bulkhead_boost)
# Without it Boost.Process needs the compiled Boost.Filesystem.
target_compile_definitions(bulkhead_boost_process INTERFACE BOOST_PROCESS_USE_STD_FS=1)

# Boost.Process has a compiled part since 1.86.
if(TARGET Boost::process)
    target_link_libraries(bulkhead_boost_process INTERFACE Boost::process)
elseif(bulkhead_boost_version GREATER_EQUAL 108600)
    find_library(BULKHEAD_BOOST_PROCESS_LIBRARY boost_process HINTS ENV BOOST_ROOT PATH_SUFFIXES lib)
    mark_as_advanced(BULKHEAD_BOOST_PROCESS_LIBRARY)
    if(NOT BULKHEAD_BOOST_PROCESS_LIBRARY)
        message(FATAL_ERROR "Boost in \"${bulkhead_boost_folder}\" is 1.86 or later and lacks its library "
                            "boost_process. Run scripts/setup, or install it there.")
    endif()
    target_link_libraries(bulkhead_boost_process INTERFACE "${BULKHEAD_BOOST_PROCESS_LIBRARY}")
endif()
