# Where an installation has what, as far as it is compiled in: BULKHEAD_WORKER_FOLDER, the folder of bulkhead-worker
# below the prefix, and BULKHEAD_WORKER_FROM_LIBRARY and BULKHEAD_LIBRARY_FROM_PROGRAM, ways from one folder to another.
# They hold wherever the prefix is moved to.

if(BULKHEAD_INSTALL)
    include(GNUInstallDirs)
    set(BULKHEAD_WORKER_FOLDER "${CMAKE_INSTALL_LIBEXECDIR}/bulkhead")
    file(RELATIVE_PATH BULKHEAD_WORKER_FROM_LIBRARY
        "${CMAKE_INSTALL_FULL_LIBDIR}" "${CMAKE_INSTALL_FULL_LIBEXECDIR}/bulkhead")
    file(RELATIVE_PATH BULKHEAD_LIBRARY_FROM_PROGRAM "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
else()
    set(BULKHEAD_WORKER_FROM_LIBRARY "../libexec/bulkhead")
endif()
