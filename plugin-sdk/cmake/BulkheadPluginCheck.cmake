# What bulkhead_add_plugin checks: the manifest before it is copied, the plugin after it was built.
set(BULKHEAD_CHECK_PLUGINS ON CACHE BOOL "Try out each plugin with `bulkhead check` after it was built")
mark_as_advanced(BULKHEAD_CHECK_PLUGINS)

# Makes <folder>/plugin.json a copy of the manifest.
function(bulkhead_copy_manifest manifest folder library check)
    set(script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/BulkheadCheckManifest.cmake")
    set(check_command)
    if(check)
        set(check_command COMMAND ${CMAKE_COMMAND} "-DMANIFEST=${manifest}" "-DLIBRARY=${library}" -P "${script}")
    endif()
    add_custom_command(OUTPUT "${folder}/plugin.json"
        ${check_command}
        COMMAND ${CMAKE_COMMAND} -E copy "${manifest}" "${folder}/plugin.json"
        DEPENDS "${manifest}" "${script}"
        COMMENT "Manifest of ${library}"
        VERBATIM)
endfunction()

# Has `bulkhead check` look at the built plugin as a part of the target `all`. Does nothing when the program is not
# there, nor with a sanitizer, whose memory would look like a leak of the plugin's.
function(bulkhead_check_after_build name folder)
    bulkhead_sanitizer_in_use(sanitized)
    if(NOT BULKHEAD_CHECK_PLUGINS OR sanitized)
        return()
    endif()
    if(TARGET bulkhead::cli)
        set(program bulkhead::cli)
    elseif(TARGET bulkhead_cli)
        set(program bulkhead_cli)
    else()
        return()
    endif()
    set(stamp "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}_check.stamp")
    add_custom_command(OUTPUT "${stamp}"
        COMMAND "$<TARGET_FILE:${program}>" check --manifest "${folder}"
        COMMAND "$<TARGET_FILE:${program}>" check --seed 1 "${folder}"
        COMMAND ${CMAKE_COMMAND} -E touch "${stamp}"
        DEPENDS ${name}_plugin "${folder}/plugin.json"
        COMMENT "bulkhead check ${name}"
        VERBATIM)
    add_custom_target(${name}_check ALL DEPENDS "${stamp}")
    if(TARGET bulkhead-worker)
        add_dependencies(${name}_check bulkhead-worker)
    endif()
endfunction()
