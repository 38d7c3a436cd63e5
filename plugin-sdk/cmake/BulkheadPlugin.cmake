# bulkhead_add_plugin(<name> SOURCES <file>... [MANIFEST <plugin.json>] [LIBRARIES <target>...])
#
# Builds the folder that a host loads: <build>/<name>/ with lib<name>.so and plugin.json, a copy of MANIFEST
# (default: plugin.json beside the CMakeLists.txt). LIBRARIES are linked in; of static ones nothing is exported.
#
# The target is <name>_plugin, so that <name> stays free for a library the plugin is made of; the folder is
# $<TARGET_FILE_DIR:<name>_plugin>.
function(bulkhead_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "MANIFEST" "SOURCES;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES OR NOT arg_SOURCES)
        message(FATAL_ERROR "bulkhead_add_plugin(${name}): give SOURCES, and perhaps MANIFEST and LIBRARIES; "
                            "not understood: ${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES}")
    endif()
    if(NOT arg_MANIFEST)
        set(arg_MANIFEST plugin.json)
    endif()
    cmake_path(ABSOLUTE_PATH arg_MANIFEST NORMALIZE)
    set(target ${name}_plugin)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}")

    add_custom_command(OUTPUT "${folder}/plugin.json"
        COMMAND ${CMAKE_COMMAND} -E copy "${arg_MANIFEST}" "${folder}/plugin.json"
        DEPENDS "${arg_MANIFEST}"
        VERBATIM)

    add_library(${target} MODULE ${arg_SOURCES} "${folder}/plugin.json")
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${name}
        LIBRARY_OUTPUT_DIRECTORY "${folder}"
        C_VISIBILITY_PRESET hidden
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON)
    target_link_libraries(${target} PRIVATE bulkhead::plugin_sdk ${arg_LIBRARIES})
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
