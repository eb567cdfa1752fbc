/* version: what this program is. The commit is read from git at every build (see version.cmake). */
#ifndef TRINE_HARNESS_VERSION_H
#define TRINE_HARNESS_VERSION_H

extern const char trine_version[]; /* "0.1.0" */
extern const char trine_commit[]; /* short hash, "-dirty" behind it when the tree was changed, or "unknown" */
extern const char trine_build_type[]; /* "Release" and so on, with the sanitizer behind it */
extern const char trine_compiler[];
extern const char
    trine_source_dir[]; /* where it was built from: profiles are found there before an install */

#endif
