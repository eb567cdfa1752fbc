/*
 * err: how a failure travels up. A function that can fail returns 0 or one of the exit codes below and leaves
 * one line for the user in a struct err: what is wrong, where, and what to do. Only cmd/ prints it.
 */
#ifndef TRINE_HARNESS_ERR_H
#define TRINE_HARNESS_ERR_H

/* The exit codes of every verb. */
enum {
    TRINE_EXIT_PASS = 0,
    TRINE_EXIT_REGRESSION = 1,
    TRINE_EXIT_USAGE = 2,
    TRINE_EXIT_INVALID = 3, /* inconclusive, or the instrument cannot be trusted */
    TRINE_EXIT_INFRA = 4,   /* disk, permission, a driver that does not do its part */
    TRINE_EXIT_INTERRUPTED = 130,
};

struct err {
    int code;
    char text[1024];
};

/* Fills e and returns code, so that a caller writes `return err_set(e, …)`. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
