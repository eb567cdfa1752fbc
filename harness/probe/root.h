/*
 * root: where the probes find /proc and /sys. The empty prefix is the machine itself; tests give a folder
 * with a recorded tree. Probes only ever open files through probe_path.
 */
#ifndef TRINE_HARNESS_ROOT_H
#define TRINE_HARNESS_ROOT_H

#include <stdint.h>

struct probe_root {
    const char *prefix; /* "" for the running machine */
};

/* prefix + formatted path; caller frees. */
char *probe_path(const struct probe_root *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *probe_read(const struct probe_root *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *probe_line(const struct probe_root *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The number behind "key" at a line's start ("throttled_time 12", "MemTotal:  12 kB"), or fallback. */
int64_t probe_keyed(const char *text, const char *key, int64_t fallback);
/* Memory that can be had without taking it from anybody, KiB (MemAvailable); -1: the kernel does not tell. */
int64_t probe_available_kib(const struct probe_root *r);

#endif
