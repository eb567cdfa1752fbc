/* throw.c: the end of the program, in Go's words. Floor 1. */
#include "throw.h"
#include "arch.h"
#include "atomic.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void (*rt_throw_dump)(void);

/* stderr does not block and is full: a terminal's reader that is slow, say. A second for it to take something, and once
 * nobody did, none for the rest. */
static bool makes_room(void)
{
    static at_u32 stuck;
    struct pollfd p = {.fd = 2, .events = POLLOUT};
    if (at32_load_rlx(&stuck)) return false;
    bool room = poll(&p, 1, 1000) > 0 && p.revents & POLLOUT;
    if (!room) at32_store_rlx(&stuck, 1);
    return room;
}

static void vprint(const char *prefix, const char *fmt, va_list ap)
{
    /* vsnprintf with integers and strings neither locks nor allocates in glibc */
    char buf[512];
    int saved = errno, n = snprintf(buf, sizeof buf, "%s", prefix);
    n += vsnprintf(buf + n, sizeof buf - (size_t)n, fmt, ap);
    if (n >= (int)sizeof buf) n = (int)sizeof buf - 1;
    for (int off = 0; off < n;) {
        ssize_t w = write(2, buf + off, (size_t)(n - off));
        if (w < 0 && errno != EINTR && !(errno == EAGAIN && makes_room())) break;
        if (w > 0) off += (int)w;
    }
    errno = saved;
}

void rt_print(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprint("", fmt, ap);
    va_end(ap);
}

/* The report needs more stack than a small goroutine has, and that one may just have overflowed: it gets its own. */
#if !defined(RT_ASAN) && !defined(RT_TSAN) /* there, frames may lie only on stacks that the sanitizer knows */
#define REPORT_ON_OWN_STACK
static _Alignas(16) char report_stack[32 << 10]; /* one thread reports, once */
#endif
struct report { const char *fmt; va_list *ap; };

static void report(void *arg)
{
    struct report *r = arg;
    vprint("fatal error: ", r->fmt, *r->ap);
    rt_print("\n");
    if (rt_throw_dump) rt_throw_dump();
    _exit(2);
}

void rt_throw(const char *fmt, ...)
{
    static at_u32 thrown; /* the first thread reports; a second one, or a throw while dumping, waits for the exit */
    if (at32_xchg_ar(&thrown, 1)) {
        for (int i = 0; i < 50; i++) usleep(100000); /* the first thread has five seconds for its report */
        _exit(2);
    }
    va_list ap;
    va_start(ap, fmt);
    struct report r = {fmt, &ap};
#ifdef REPORT_ON_OWN_STACK
    arch_call_on(report_stack + sizeof report_stack, report, &r);
#endif
    report(&r);
    __builtin_unreachable();
}
