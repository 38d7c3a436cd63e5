# The build refuses a manifest that cannot be right, and says what is wrong with it. FOLDER: where to write.
set(script "${CMAKE_CURRENT_LIST_DIR}/../cmake/BulkheadCheckManifest.cmake")
set(file "${FOLDER}/plugin.json")

# expect(<manifest> [<part of the complaint>]): without one it must pass.
function(expect manifest)
    file(WRITE "${file}" "${manifest}")
    execute_process(COMMAND ${CMAKE_COMMAND} "-DMANIFEST=${file}" -DLIBRARY=libthing.so -P "${script}"
        RESULT_VARIABLE result ERROR_VARIABLE complaint)
    string(REGEX REPLACE "[ \n]+" " " complaint "${complaint}")
    if(ARGC EQUAL 1 AND NOT result EQUAL 0)
        message(SEND_ERROR "refused: ${manifest}\n${complaint}")
    elseif(ARGC EQUAL 2)
        string(FIND "${complaint}" "${ARGV1}" place)
        if(result EQUAL 0 OR place EQUAL -1)
            message(SEND_ERROR "expected of ${manifest}: ${ARGV1}\nbut got ${result}: ${complaint}")
        endif()
    endif()
endfunction()

expect([[{"name": "thing", "version": "1", "library": "libthing.so", "config": {"a": [1]}}]])
expect([[{"name": "thing", "version": "1", "library": "libthing.so"]] "it is not JSON")
expect("" "it is not JSON")
expect([=[["name"]]=] "it must be an object, not ARRAY")
expect([[{"name": "thing", "library": "libthing.so"}]] [[it lacks the field "version"]])
expect([[{"name": 5, "version": "1", "library": "libthing.so"}]] [["name" must be a string, not NUMBER]])
expect([[{"name": "thing", "version": "1", "library": "libother.so"}]]
    [[its library is "libother.so", but what is built here is "libthing.so"]])
