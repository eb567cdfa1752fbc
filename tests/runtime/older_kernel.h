/*
 * older_kernel.h: kernels that lack a call, or sandboxes that refuse it, played by a seccomp filter in a child. The filter is the
 * test's own; where none can be set the test says so and is skipped.
 */
#ifndef TEST_OLDER_KERNEL_H
#define TEST_OLDER_KERNEL_H

#include "child.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { NO_FILTER = 77 };

/* In the child, for good; ends it where that cannot be. */
static inline void filter_calls(struct sock_filter *code, unsigned short n)
{
    struct sock_fprog p = {n, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p)) _exit(NO_FILTER);
}

/* fn begins with filter_calls. */
static inline void filtered_child(void (*fn)(void *), void *arg, const char *what)
{
    in_child(fn, arg);
    if (last.status == NO_FILTER) {
        print_message("SKIP: no seccomp filter can be set here\n");
        skip();
    }
    assert_ended_well(what);
}
#endif
