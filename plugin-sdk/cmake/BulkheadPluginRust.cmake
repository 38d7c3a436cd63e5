# Plugins in Rust for bulkhead_add_plugin: rustc alone, no cargo and no crates but the SDK's own `bulkhead`.

# Sets `result` to rustc, or to a value that is false. BULKHEAD_RUSTC names another one.
function(bulkhead_find_rustc result)
    find_program(BULKHEAD_RUSTC rustc HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin" DOC "The Rust compiler")
    set(${result} "${BULKHEAD_RUSTC}" PARENT_SCOPE)
endfunction()

# Sets `result` to the SDK's crate, in the source tree or where it is installed.
function(bulkhead_find_rust_crate result)
    set(here "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
    find_file(BULKHEAD_RUST_CRATE bulkhead.rs NO_DEFAULT_PATH DOC "The Rust side of the plugin SDK"
        PATHS "${here}/../rust" "${here}/../../../share/bulkhead/rust" "${here}/../../../../share/bulkhead/rust")
    mark_as_advanced(BULKHEAD_RUST_CRATE)
    set(${result} "${BULKHEAD_RUST_CRATE}" PARENT_SCOPE)
endfunction()

# The library of one file of Rust, which may have modules beside it.
function(bulkhead_add_rust_library target source folder library)
    bulkhead_find_rustc(rustc)
    bulkhead_find_rust_crate(crate)
    if(NOT rustc OR NOT crate)
        message(FATAL_ERROR "${target}: a plugin in Rust needs rustc (${rustc}) and the SDK's bulkhead.rs (${crate}). "
                            "Install rustc, on Debian: apt install rustc; or name it with -DBULKHEAD_RUSTC=<program>.")
    endif()
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    string(MAKE_C_IDENTIFIER ${target} crate_name)
    set(work "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.rust")
    file(MAKE_DIRECTORY "${work}" "${folder}")
    set(options --edition 2021 -g -C opt-level=2)
    if(CMAKE_BUILD_TYPE STREQUAL "Debug")
        set(options --edition 2021 -g)
    endif()

    add_custom_command(OUTPUT "${work}/libbulkhead.rlib"
        COMMAND "${rustc}" ${options} --crate-type rlib --crate-name bulkhead "${crate}" -o "${work}/libbulkhead.rlib"
        DEPENDS "${crate}"
        COMMENT "Building Rust crate bulkhead"
        VERBATIM)
    add_custom_command(OUTPUT "${folder}/${library}"
        COMMAND "${rustc}" ${options} --crate-type cdylib --crate-name ${crate_name}
            --extern "bulkhead=${work}/libbulkhead.rlib"
            --emit "link=${folder}/${library},dep-info=${work}/${library}.d" "${source}"
        DEPENDS "${source}" "${work}/libbulkhead.rlib"
        DEPFILE "${work}/${library}.d"
        COMMENT "Building Rust plugin ${library}"
        VERBATIM)
    add_custom_target(${target} ALL DEPENDS "${folder}/${library}" "${folder}/plugin.json")
endfunction()
