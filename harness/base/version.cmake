# Writes version.c when the version or the commit has changed. Run at every build:
# cmake -DSOURCE=… -DOUT=… -DVERSION=… -DBUILD_TYPE=… -DCOMPILER=… -P version.cmake
set(commit unknown)
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=9 --exclude=*
  OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(NOT failed AND found)
  set(commit ${found})
endif()
set(text "/* Written by harness/base/version.cmake. */
#include \"base/version.h\"
const char trine_version[] = \"${VERSION}\";
const char trine_commit[] = \"${commit}\";
const char trine_build_type[] = \"${BUILD_TYPE}\";
const char trine_compiler[] = \"${COMPILER}\";
const char trine_source_dir[] = \"${SOURCE}\";
")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE ${OUT} "${text}")
endif()
