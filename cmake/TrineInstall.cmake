# What `cmake --install` puts where, for the runtime: P/include/trine.h, P/lib/libtrine.a, P/lib/pkgconfig/trine.pc.
# The harness, the drivers and their data are installed by their own folders. The .pc file finds its prefix from
# where it stands, so that `cmake --install … --prefix P` and a moved P both work.
install(TARGETS trine_runtime ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/runtime/include/trine.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
file(RELATIVE_PATH trine_pc_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" trine_pc_up "${trine_pc_up}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/trine.pc.in ${PROJECT_BINARY_DIR}/trine.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/trine.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
