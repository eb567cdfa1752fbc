# Flags that every target shares. Targets link trine_flags; nothing sets CMAKE_C_FLAGS.
option(TRINE_TESTS "Build the tests" ON)
option(TRINE_RUNTIME_ONLY "Only the runtime and its examples: no library is needed (cross builds)" OFF)
option(TRINE_WERROR "Warnings are errors (dev and CI)" OFF)
option(TRINE_DEBUG_CHECKS "Assert the runtime's invariants (slower)" OFF)
option(TRINE_CHAOS "Small queues and a seeded yield at each atomic" OFF)
set(TRINE_SANITIZE "none" CACHE STRING "none, address (with undefined) or thread")
set_property(CACHE TRINE_SANITIZE PROPERTY STRINGS none address thread)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)      # inline assembly and __thread
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

find_package(Threads REQUIRED)
# Without frame pointers: a register more for the rest and three instructions a call less, 1 % of a yield and 10 % of a
# channel's transfer. Unwinders go by .eh_frame, but for the sanitizers' own.
set(frame_pointer -fomit-frame-pointer)
if(NOT TRINE_SANITIZE STREQUAL "none")
  set(frame_pointer -fno-omit-frame-pointer)
endif()
add_library(trine_flags INTERFACE)
target_compile_definitions(trine_flags INTERFACE _GNU_SOURCE)
target_compile_options(trine_flags INTERFACE
  -Wall -Wextra -Wvla -Wformat=2 ${frame_pointer}
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>)
if(TRINE_WERROR)
  target_compile_options(trine_flags INTERFACE -Werror)
endif()
if(TRINE_SANITIZE STREQUAL "address")
  target_compile_options(trine_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(trine_flags INTERFACE -fsanitize=address,undefined)
elseif(TRINE_SANITIZE STREQUAL "thread")
  # TSan takes no happens-before from a fence, and gcc warns so. The runtime's fences order atomics only (store, fence,
  # load on both sides); no plain data is published by one, so nothing is missed and nothing reported falsely.
  target_compile_options(trine_flags INTERFACE -fsanitize=thread $<$<C_COMPILER_ID:GNU>:-Wno-tsan>)
  target_link_options(trine_flags INTERFACE -fsanitize=thread)
elseif(NOT TRINE_SANITIZE STREQUAL "none")
  message(FATAL_ERROR "TRINE_SANITIZE is '${TRINE_SANITIZE}': expected none, address or thread")
endif()
target_link_libraries(trine_flags INTERFACE Threads::Threads)
