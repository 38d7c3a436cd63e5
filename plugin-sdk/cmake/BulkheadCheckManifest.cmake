# Run by the build: fails unless the file MANIFEST is a manifest of the library LIBRARY, as far as that can be told
# without a host. `bulkhead check --manifest` looks at all of it.

function(refuse sentence)
    message(FATAL_ERROR "${MANIFEST}: ${sentence}")
endfunction()

file(READ "${MANIFEST}" manifest)
string(JSON type ERROR_VARIABLE error TYPE "${manifest}")
if(error)
    refuse("it is not JSON: ${error}")
elseif(NOT type STREQUAL "OBJECT")
    refuse("it must be an object, not ${type}")
endif()

foreach(field IN ITEMS name version library)
    string(JSON type ERROR_VARIABLE missing TYPE "${manifest}" ${field})
    if(missing)
        refuse("it lacks the field \"${field}\"")
    elseif(NOT type STREQUAL "STRING")
        refuse("\"${field}\" must be a string, not ${type}")
    endif()
endforeach()

string(JSON library GET "${manifest}" library)
if(NOT library STREQUAL LIBRARY)
    refuse("its library is \"${library}\", but what is built here is \"${LIBRARY}\"; change one of them")
endif()
