# `cpack` in the build folder, or scripts/package: two Debian packages, bulkhead (to run) and bulkhead-dev (to compile
# servers and plugins), of what Install.cmake installs.
if(NOT PROJECT_IS_TOP_LEVEL)
    return()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bulkhead)
set(CPACK_PACKAGE_VENDOR "The Bulkhead authors")
set(CPACK_PACKAGE_CONTACT "The Bulkhead authors <bulkhead@bulkhead.invalid>")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")

set(CPACK_COMPONENTS_ALL runtime dev sdk)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENT_RUNTIME_GROUP run)
set(CPACK_COMPONENT_DEV_GROUP develop)
set(CPACK_COMPONENT_SDK_GROUP develop)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/lib")

set(CPACK_DEBIAN_RUN_PACKAGE_NAME bulkhead)
set(CPACK_DEBIAN_RUN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUN_DESCRIPTION "runs native plugins in processes of their own
A server embeds the host library and calls a plugin like a function; the
plugin runs in a process of its own. When it crashes, hangs or leaks, every
caller gets an answer, a report says how it died, and the next process
serves within about a millisecond.
.
This package has the library, the process that runs plugins, and the command
line.")

# Loaded when it is there: backtraces in reports.
set(CPACK_DEBIAN_RUN_PACKAGE_RECOMMENDS libdw1)

set(CPACK_DEBIAN_DEVELOP_PACKAGE_NAME bulkhead-dev)
set(CPACK_DEBIAN_DEVELOP_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOP_DESCRIPTION "runs native plugins in processes of their own (development)
A server embeds the host library and calls a plugin like a function; the
plugin runs in a process of its own.
.
This package has what servers and plugins are compiled with: headers, the
CMake package and pkg-config files, and templates of plugins in C, C++ and
Rust.")
set(CPACK_DEBIAN_DEVELOP_PACKAGE_DEPENDS
    "bulkhead (= ${PROJECT_VERSION}), libboost${BULKHEAD_BOOST_VERSION}-dev, nlohmann-json3-dev")

include(CPack)
