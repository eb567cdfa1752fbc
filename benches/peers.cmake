# The peers of `trine run --profile peers`: other schedulers. None is needed to build or test.
#   AUTO  what is found;  ON  a missing one is an error;  OFF  none
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
