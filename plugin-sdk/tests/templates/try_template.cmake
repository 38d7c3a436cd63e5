# Makes a project of the template TEMPLATE in FOLDER, under a name with all that a name may have, and has it configured,
# built and tested.
set(name word-count_2)

file(REMOVE_RECURSE "${FOLDER}")
file(GLOB files RELATIVE "${TEMPLATE}" "${TEMPLATE}/*")
foreach(file IN LISTS files)
    string(REPLACE myplugin ${name} copy "${file}")
    file(READ "${TEMPLATE}/${file}" text)
    string(REPLACE myplugin ${name} text "${text}")
    file(WRITE "${FOLDER}/${copy}" "${text}")
endforeach()

function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} -S "${FOLDER}" -B "${FOLDER}/build" -G "${GENERATOR}" "-Dbulkhead_DIR=${PACKAGE}"
    "-DCMAKE_C_COMPILER=${C_COMPILER}" "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
    "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Wconversion -Werror"
    "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wconversion -Werror")
run(${CMAKE_COMMAND} --build "${FOLDER}/build")
cmake_path(GET CMAKE_COMMAND PARENT_PATH programs)
run("${programs}/ctest" --test-dir "${FOLDER}/build" --output-on-failure --no-tests=error)
foreach(file IN ITEMS plugin.json lib${name}.so)
    if(NOT EXISTS "${FOLDER}/build/${name}/${file}")
        message(FATAL_ERROR "the build made no ${name}/${file}")
    endif()
endforeach()
