# bulkhead_add_plugin_test(<name> <source>... PLUGIN <plugin> [LIBRARIES <target>...] [MODES <mode>...])
#
# Builds a test program against <bulkhead/plugin/testing.hpp> and has ctest run it once for each mode: `in-process` and
# `sandbox` unless MODES says less. PLUGIN is the name that bulkhead_add_plugin got. The tests are called <name>.<mode>.
function(bulkhead_add_plugin_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "PLUGIN" "MODES;LIBRARIES")
    if(NOT arg_UNPARSED_ARGUMENTS OR NOT arg_PLUGIN)
        message(FATAL_ERROR "bulkhead_add_plugin_test(${name}): give sources and PLUGIN, and perhaps LIBRARIES and MODES")
    endif()
    if(NOT arg_MODES)
        set(arg_MODES in-process sandbox)
    endif()
    if(NOT TARGET bulkhead::plugin_testing)
        message(FATAL_ERROR "bulkhead_add_plugin_test(${name}): there is no bulkhead::plugin_testing. It comes with the "
                            "host library: install Bulkhead's component dev (bulkhead-dev), and what it needs.")
    endif()
    bulkhead_worker_fits(fits)
    if(NOT fits)
        list(REMOVE_ITEM arg_MODES sandbox)
    endif()
    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE bulkhead::plugin_testing ${arg_LIBRARIES})
    add_dependencies(${name} ${arg_PLUGIN}_plugin)
    get_target_property(folder ${arg_PLUGIN}_plugin BULKHEAD_PLUGIN_FOLDER)

    set(environment "BULKHEAD_TEST_PLUGIN=${folder}")
    if(TARGET bulkhead-worker)
        add_dependencies(${name} bulkhead-worker)
        list(APPEND environment "BULKHEAD_WORKER=$<TARGET_FILE:bulkhead-worker>")
    elseif(TARGET bulkhead::worker)
        list(APPEND environment "BULKHEAD_WORKER=$<TARGET_FILE:bulkhead::worker>")
    endif()
    foreach(mode IN LISTS arg_MODES)
        add_test(NAME ${name}.${mode} COMMAND ${name})
        set_tests_properties(${name}.${mode} PROPERTIES
            ENVIRONMENT "${environment};BULKHEAD_TEST_MODE=${mode}"
            TIMEOUT 120)
    endforeach()
endfunction()
