# bulkhead_add_plugin(<name> <source>... [MANIFEST <plugin.json>] [OUTPUT_NAME <name>] [LIBRARIES <target>...]
#                     [CHECK ON|OFF])
#
# Builds the folder that a host loads: <build>/<name>/ with lib<name>.so and plugin.json, a copy of MANIFEST
# (default: plugin.json beside the CMakeLists.txt). The sources are C and C++, or one file of Rust. LIBRARIES are linked
# in, not for Rust; of static ones nothing is exported. OUTPUT_NAME replaces <name> in the library's. `SOURCES` may stand before the
# sources.
#
# The manifest is checked before it is copied, and with the target `all` the plugin is tried out by `bulkhead check`
# when that program is there, unless CHECK or BULKHEAD_CHECK_PLUGINS is OFF.
#
# The target is <name>_plugin, so that <name> stays free for a library the plugin is made of; the folder is its
# property BULKHEAD_PLUGIN_FOLDER.
include("${CMAKE_CURRENT_LIST_DIR}/BulkheadPluginCheck.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/BulkheadPluginRust.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/BulkheadPluginTest.cmake")

function(bulkhead_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "MANIFEST;OUTPUT_NAME;CHECK" "SOURCES;LIBRARIES")
    list(APPEND arg_SOURCES ${arg_UNPARSED_ARGUMENTS})
    if(arg_KEYWORDS_MISSING_VALUES OR NOT arg_SOURCES)
        message(FATAL_ERROR "bulkhead_add_plugin(${name}): give sources, and perhaps MANIFEST, OUTPUT_NAME, LIBRARIES "
                            "and CHECK; without a value: ${arg_KEYWORDS_MISSING_VALUES}")
    endif()
    if(arg_SOURCES MATCHES "\\.rs$" AND arg_LIBRARIES)
        message(FATAL_ERROR "bulkhead_add_plugin(${name}): a plugin in Rust is not linked with LIBRARIES; name them in "
                            "its source, with #[link(name = ...)]")
    endif()
    if(NOT arg_MANIFEST)
        set(arg_MANIFEST plugin.json)
    endif()
    if(NOT arg_OUTPUT_NAME)
        set(arg_OUTPUT_NAME ${name})
    endif()
    if(NOT DEFINED arg_CHECK)
        set(arg_CHECK ON)
    endif()
    cmake_path(ABSOLUTE_PATH arg_MANIFEST NORMALIZE)
    set(target ${name}_plugin)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}")
    set(library "${CMAKE_SHARED_MODULE_PREFIX}${arg_OUTPUT_NAME}${CMAKE_SHARED_MODULE_SUFFIX}")

    bulkhead_copy_manifest("${arg_MANIFEST}" "${folder}" ${library} ${arg_CHECK})
    if(arg_SOURCES MATCHES "\\.rs$")
        bulkhead_add_rust_library(${target} "${arg_SOURCES}" "${folder}" ${library})
    else()
        bulkhead_add_native_library(${target} "${arg_SOURCES}" "${folder}" ${arg_OUTPUT_NAME} "${arg_LIBRARIES}")
    endif()
    set_target_properties(${target} PROPERTIES BULKHEAD_PLUGIN_FOLDER "${folder}")
    if(arg_CHECK)
        bulkhead_check_after_build(${name} "${folder}")
    endif()
endfunction()

# The module of C and C++ sources.
function(bulkhead_add_native_library target sources folder output_name libraries)
    add_library(${target} MODULE ${sources} "${folder}/plugin.json")
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${output_name}
        LIBRARY_OUTPUT_DIRECTORY "${folder}"
        C_VISIBILITY_PRESET hidden
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON)
    target_link_libraries(${target} PRIVATE bulkhead::plugin_sdk ${libraries})
    if(NOT WIN32)
        target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL)
        bulkhead_sanitizer_in_use(sanitized)
        if(NOT sanitized)
            # A missing symbol is found when the plugin is linked, not when it is loaded. A sanitizer's symbols come
            # from the worker.
            target_link_options(${target} PRIVATE -Wl,-z,defs)
        endif()
    endif()
endfunction()

# Sets `result` to whether the current folder compiles with a sanitizer.
function(bulkhead_sanitizer_in_use result)
    string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
    get_directory_property(options COMPILE_OPTIONS)
    set(all ${options} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS_${type}} ${CMAKE_CXX_FLAGS_${type}})
    if(all MATCHES "-fsanitize=")
        set(${result} TRUE PARENT_SCOPE)
    else()
        set(${result} FALSE PARENT_SCOPE)
    endif()
endfunction()

# Sets `result` to whether plugins of this folder run in the worker that is there: an installed one has no sanitizer, so
# it cannot load a plugin with one.
function(bulkhead_worker_fits result)
    bulkhead_sanitizer_in_use(sanitized)
    if(sanitized AND NOT TARGET bulkhead-worker)
        set(${result} FALSE PARENT_SCOPE)
    else()
        set(${result} TRUE PARENT_SCOPE)
    endif()
endfunction()
