# What bulkhead_add_plugin cannot do for a plugin in Rust it refuses, instead of leaving it out. Runs itself once more.
if(INNER)
    include("${CMAKE_CURRENT_LIST_DIR}/../cmake/BulkheadPlugin.cmake")
    bulkhead_add_plugin(thing thing.rs LIBRARIES m)
    return()
endif()

execute_process(COMMAND ${CMAKE_COMMAND} -DINNER=ON -P "${CMAKE_CURRENT_LIST_FILE}"
    RESULT_VARIABLE result ERROR_VARIABLE complaint)
string(REGEX REPLACE "[ \n]+" " " complaint "${complaint}")
string(FIND "${complaint}" "bulkhead_add_plugin(thing): a plugin in Rust is not linked with LIBRARIES" place)
if(result EQUAL 0 OR place EQUAL -1)
    message(FATAL_ERROR "it was not refused, but ended with ${result}: ${complaint}")
endif()
