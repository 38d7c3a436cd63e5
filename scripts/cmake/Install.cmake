# What `cmake --install` puts where, in three components:
#
#   runtime  the host library, bulkhead-worker, the programs: what a machine needs that runs a server
#   dev      what a server is compiled with, and tests of plugins; its targets need the runtime
#   sdk      what a plugin is compiled with, the templates; needs neither of the others
#
# Everything lies below one prefix and finds the rest from where it lies itself, so the prefix can be moved.

if(NOT BUILD_SHARED_LIBS AND DEFINED BUILD_SHARED_LIBS)
    message(FATAL_ERROR "Only a shared host library can be installed: leave BUILD_SHARED_LIBS on, or set "
                        "BULKHEAD_INSTALL=OFF and embed the static one with add_subdirectory.")
endif()

include(CMakePackageConfigHelpers)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/bulkhead")
set(share_folder "${CMAKE_INSTALL_DATADIR}/bulkhead")
set(package_sources "${PROJECT_SOURCE_DIR}/scripts/cmake/package")
set(package_output "${PROJECT_BINARY_DIR}/package")

# ---- libraries and programs ----------------------------------------------------------------------------------
install(TARGETS bulkhead_host EXPORT bulkhead_host
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT dev)
install(TARGETS bulkhead_plugin_testing EXPORT bulkhead_host
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev)
install(TARGETS bulkhead-worker RUNTIME DESTINATION "${BULKHEAD_WORKER_FOLDER}" COMPONENT runtime)

foreach(program IN ITEMS bulkhead_cli resize-server)
    if(TARGET ${program})
        set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/${BULKHEAD_LIBRARY_FROM_PROGRAM}")
        install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
    endif()
endforeach()

# The plugin that resize-server serves.
if(TARGET resize-server AND TARGET image_plugin)
    install(DIRECTORY "$<TARGET_FILE_DIR:image_plugin>" DESTINATION "${CMAKE_INSTALL_LIBDIR}/bulkhead/plugins"
        COMPONENT runtime USE_SOURCE_PERMISSIONS)
endif()

# ---- headers and shared files --------------------------------------------------------------------------------
# install_folder(<folder of the sources> <destination> <component>): its content, if there is any.
function(install_folder source destination component)
    if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${source}")
        install(DIRECTORY "${source}/" DESTINATION "${destination}" COMPONENT ${component}
            PATTERN __pycache__ EXCLUDE)
    endif()
endfunction()

install_folder(host/include "${CMAKE_INSTALL_INCLUDEDIR}" dev)
install_folder(plugin-sdk/include "${CMAKE_INSTALL_INCLUDEDIR}" sdk)
install_folder(plugin-sdk/templates "${share_folder}/templates" sdk)
install_folder(plugin-sdk/rust "${share_folder}/rust" sdk)
install_folder(host/cli/completions "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" runtime)
foreach(component IN ITEMS runtime dev)
    set(name "bulkhead-${component}")
    string(REPLACE "-runtime" "" name "${name}")
    install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" RENAME copyright
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${name}" COMPONENT ${component})
endforeach()

# ---- find_package(bulkhead) ----------------------------------------------------------------------------------
install(EXPORT bulkhead_host FILE bulkheadHostTargets.cmake NAMESPACE bulkhead::
    DESTINATION "${package_folder}" COMPONENT dev)
configure_package_config_file("${package_sources}/bulkheadConfig.cmake.in" "${package_output}/bulkheadConfig.cmake"
    INSTALL_DESTINATION "${package_folder}"
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR BULKHEAD_WORKER_FOLDER share_folder
    NO_SET_AND_CHECK_MACRO)
configure_file("${package_sources}/bulkheadHost.cmake.in" "${package_output}/bulkheadHost.cmake" @ONLY)
# Until 1.0 a minor version may change the API.
write_basic_package_version_file("${package_output}/bulkheadConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${package_output}/bulkheadHost.cmake" DESTINATION "${package_folder}" COMPONENT dev)
install_folder(plugin-sdk/cmake "${package_folder}" sdk)
# Each of the two can be installed without the other.
foreach(component IN ITEMS dev sdk)
    install(FILES "${package_output}/bulkheadConfig.cmake" "${package_output}/bulkheadConfigVersion.cmake"
        DESTINATION "${package_folder}" COMPONENT ${component})
endforeach()

# ---- pkg-config ----------------------------------------------------------------------------------------------
set(json_requirement "")
if(nlohmann_json_VERSION)
    set(json_requirement "= ${nlohmann_json_VERSION}")
endif()
file(RELATIVE_PATH prefix_from_pkgconfig "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
foreach(pair IN ITEMS host:dev plugin:sdk)
    string(REPLACE ":" ";" pair "${pair}")
    list(GET pair 0 name)
    list(GET pair 1 component)
    configure_file("${package_sources}/bulkhead-${name}.pc.in" "${package_output}/bulkhead-${name}.pc" @ONLY)
    install(FILES "${package_output}/bulkhead-${name}.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT ${component})
endforeach()
