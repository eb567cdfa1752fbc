# The peers of `trine run --profile peers`: other schedulers. None is needed to build or test.
#   AUTO  what is found (tokio, which takes half a minute and fetches its crates, in a release build alone)
#   ON    all; a missing one is an error
#   OFF   none
set(TRINE_PEERS AUTO CACHE STRING "Drivers of other schedulers (boost, tbb, tokio): AUTO, ON or OFF")
set_property(CACHE TRINE_PEERS PROPERTY STRINGS AUTO ON OFF)

function(trine_peer_missing name why)
  if(TRINE_PEERS STREQUAL "ON")
    message(FATAL_ERROR "trine-driver-${name}: ${why}, and TRINE_PEERS is ON: install it, or set AUTO")
  endif()
  message(STATUS "trine-driver-${name}: skipped (${why})")
endfunction()

if(TRINE_PEERS STREQUAL "OFF" OR NOT TRINE_SANITIZE STREQUAL "none" OR CMAKE_CROSSCOMPILING)
  message(STATUS "trine-driver-boost, -tbb, -tokio: skipped (TRINE_PEERS=OFF, a sanitizer build or a cross build)")
  # those of an earlier configuration would be found and run, however old
  foreach(name boost tbb tokio)
    file(REMOVE ${CMAKE_CURRENT_BINARY_DIR}/trine-driver-${name})
  endforeach()
  file(REMOVE ${CMAKE_CURRENT_BINARY_DIR}/tokio.stamp)
  return()
endif()

# C++ peers share the drivers' C sources: only their backend.cpp is C++.
function(trine_cxx_peer name)
  trine_driver(${name} backends/${name}/backend.cpp)
  set_target_properties(trine-driver-${name} PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON)
  target_link_libraries(trine-driver-${name} PRIVATE ${ARGN})
endfunction()

find_package(Boost 1.74 QUIET COMPONENTS fiber context)
find_package(TBB QUIET)
find_package(Threads REQUIRED)
if(Boost_FOUND)
  trine_cxx_peer(boost Boost::fiber Boost::context Threads::Threads)
else()
  trine_peer_missing(boost "no Boost.Fiber 1.74 or newer: libboost-fiber-dev")
endif()
if(TBB_FOUND)
  trine_cxx_peer(tbb TBB::tbb Threads::Threads)
else()
  trine_peer_missing(tbb "no oneTBB: libtbb-dev")
endif()

# tokio by cargo, with the versions of Cargo.lock. Without the network (or its crates) AUTO goes on without it.
find_program(CARGO_COMMAND cargo HINTS $ENV{HOME}/.cargo/bin)
if(CARGO_COMMAND AND (TRINE_PEERS STREQUAL "ON" OR CMAKE_BUILD_TYPE STREQUAL "Release"))
  set(tokio_driver ${CMAKE_CURRENT_BINARY_DIR}/trine-driver-tokio)
  set(tokio_sources Cargo.toml Cargo.lock build.rs src/args.rs src/echo.rs src/main.rs src/point.rs src/warmup.rs src/workloads.rs)
  list(TRANSFORM tokio_sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/backends/tokio/)
  set(tokio_failed "echo 'trine-driver-tokio: skipped (cargo could not build it: see ${CMAKE_CURRENT_BINARY_DIR}/tokio.log)'")
  if(TRINE_PEERS STREQUAL "ON")
    string(APPEND tokio_failed "; exit 1")
  endif()
  add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/tokio.stamp
    COMMAND sh -c "timeout 300 '${CARGO_COMMAND}' build --release --locked --quiet --target-dir '${CMAKE_CURRENT_BINARY_DIR}/tokio' >'${CMAKE_CURRENT_BINARY_DIR}/tokio.log' 2>&1 && cp '${CMAKE_CURRENT_BINARY_DIR}/tokio/release/trine-driver-tokio' '${tokio_driver}' || { ${tokio_failed}; }"
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_CURRENT_BINARY_DIR}/tokio.stamp
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/backends/tokio
    DEPENDS ${tokio_sources} COMMENT "Building trine-driver-tokio" VERBATIM)
  add_custom_target(driver-tokio ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/tokio.stamp)
  install(PROGRAMS ${tokio_driver} DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/trine OPTIONAL)
elseif(NOT CARGO_COMMAND)
  trine_peer_missing(tokio "no cargo")
else()
  message(STATUS "trine-driver-tokio: skipped (not a release build: TRINE_PEERS=ON builds it all the same)")
endif()
