/*
 * file: whole files in and out. What is written is written aside, synced and renamed, so that a reader (or a
 * power cut) sees the old content or the new, never a part. A run's own files are written by file_write; where a user
 * points, file_write_to leaves a link, a FIFO or a device what it is.
 */
#ifndef TRINE_HARNESS_FILE_H
#define TRINE_HARNESS_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads the whole file, NUL-terminated; NULL with errno set when it cannot. Works on /proc. Caller frees. */
char *file_read(const char *path, size_t *len);
/* First line of a small file without its newline, or NULL. Caller frees. */
char *file_read_line(const char *path);
/* Writes aside, syncs, renames, syncs the folder. */
int file_write(const char *path, const char *data, size_t len, struct err *e);
/* The same for a path of the user's: a link stays and what it leads to is replaced; what is there and is no regular file
 * is opened and written. */
int file_write_to(const char *path, const char *data, size_t len, struct err *e);
/* Where a path leads over symbolic links, whether there is anything or not. Caller frees. */
char *file_target(const char *path);
/* As mkdir -p. */
int make_dirs(const char *path, struct err *e);
bool file_exists(const char *path);
bool file_executable(const char *path);             /* a regular file that may be run */
char *path_join(const char *dir, const char *name); /* caller frees */
/* The folder of the running program, without a trailing slash; "." when it cannot be told. Caller frees. */
char *own_dir(void);

#endif
