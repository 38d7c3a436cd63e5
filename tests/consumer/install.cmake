# Installs the build in BUILD to FIRST, then moves that to PREFIX: what is used there was never installed there.
file(REMOVE_RECURSE "${FIRST}" "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${FIRST}"
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${FIRST}" "${PREFIX}")
