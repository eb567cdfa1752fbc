/*
 * google-benchmark for C: the least of it that the micro-benchmarks need. gbench_shim.cpp is the only C++ here.
 *
 * A benchmark is a function that loops `while (gbench_more(b, N)) for (i < N) ...`: google-benchmark chooses how
 * often, and one call for N iterations keeps its own cost out of the figure. Every benchmark reports real time,
 * since the work may be done by other threads. All flags of google-benchmark work on the program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gbench;
typedef void (*gbench_fn)(struct gbench *b, int64_t arg);

/* Registers fn under name; arg is handed to it; threads of google-benchmark run it at once. */
void gbench_register(const char *name, gbench_fn fn, int64_t arg, int threads);

/* True while n more iterations are to be made. From the benchmark's own thread, or a goroutine in its place. */
bool gbench_more(struct gbench *b, int64_t n);

/* Time between the two is not counted. */
void gbench_pause(struct gbench *b);
void gbench_resume(struct gbench *b);

/* Which of the threads this is, from 0. */
int gbench_thread(const struct gbench *b);

/* Ends this benchmark: it is shown with this reason instead of a figure. */
void gbench_skip(struct gbench *b, const char *why);

/* A further figure beside the time. */
void gbench_counter(struct gbench *b, const char *name, double value);

/* Parses google-benchmark's flags and runs what they choose; the process's exit status (2: an unknown flag). */
int gbench_run(int argc, char **argv);

#ifdef __cplusplus
}
#endif

/* The compiler must take v for used, and memory for changed: nothing before it can be folded away. */
static inline void gbench_sink(uint64_t v) { __asm__ volatile("" : : "r"(v) : "memory"); }
