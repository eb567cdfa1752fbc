/*
 * trine_debug.c: when the runtime speaks of itself: after a throw, on SIGQUIT, every so often by $TRINE_DEBUG. Floor 9.
 *
 * Owns: the handed-down hooks of throw and of the monitor, the handler of SIGQUIT, the settings of $TRINE_DEBUG. The
 * handler only leaves a mark and wakes the monitor, which prints and ends the program with status 2, as Go does. A
 * program with a SIGQUIT handler of its own keeps that; where the signal is ignored, as shells set it for what they
 * start in the background, it is taken over all the same, as by Go.
 */
#include "sysmon.h"
#include "trine_report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static at_u32 quit_asked;
static bool quit_was_ignored;
static int64_t schedtrace_ns, schedtrace_next; /* 0: off; the monitor's */
static bool scheddetail;

/* ---- hooks ---- */
static void on_throw(void)
{
    rt_check_handlers();
    rt_dump_goroutines(rt_nanotime());
}

static __attribute__((noreturn)) void quit(int64_t now)
{
    rt_print("SIGQUIT: quit\n");
    rt_dump_goroutines(now);
    rt_print("\n");
    rt_schedtrace(now, true, false);
    _exit(2);
}

static bool on_round(int64_t now)
{
    if (at32_load_acq(&quit_asked)) quit(now);
    rt_procs_look(now);
    rt_age_waiters(now);
    if (schedtrace_ns && now >= schedtrace_next) {
        schedtrace_next = now + schedtrace_ns;
        rt_schedtrace(now, scheddetail, scheddetail);
    }
    return schedtrace_ns != 0; /* a line is due even while nothing runs */
}

static void on_quit(int sig)
{
    int saved = errno;
    if (at32_load_acq(&rt_sched.running)) {
        at32_store_rel(&quit_asked, 1);
        rt_notewakeup(&rt_sched.sysmonnote);
    } else if (!quit_was_ignored) { /* no run: what SIGQUIT does by default */
        signal(sig, SIG_DFL);
        raise(sig);
    }
    errno = saved;
}

static void take_sigquit(void)
{
    struct sigaction sa, old;
    if (sigaction(SIGQUIT, NULL, &old) < 0 || (old.sa_flags & SA_SIGINFO)) return;
    if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) return;
    quit_was_ignored = old.sa_handler == SIG_IGN;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_quit;
    sa.sa_flags = SA_ONSTACK | SA_RESTART;
    sigaction(SIGQUIT, &sa, NULL);
}

/* ---- $TRINE_DEBUG=key=number,... ---- */
static void setting(const char *key, size_t len, long value)
{
    if (len == 10 && memcmp(key, "schedtrace", len) == 0) schedtrace_ns = value * 1000000;
    else if (len == 11 && memcmp(key, "scheddetail", len) == 0) scheddetail = value != 0;
    else rt_print("trine: TRINE_DEBUG: unknown setting \"%.*s\" is ignored; "
                  "known are schedtrace=MILLISECONDS and scheddetail=1\n",
                  (int)len, key);
}

static void parse(const char *s)
{
    while (*s) {
        size_t len = strcspn(s, ","), name = strcspn(s, "=,");
        char *end;
        long value = name < len ? strtol(s + name + 1, &end, 10) : 0;
        bool number = name < len && end == s + len && end > s + name + 1 && value >= 0 && value <= 86400000;
        if (number) setting(s, name, value);
        else if (len) rt_print("trine: TRINE_DEBUG: \"%.*s\" is ignored; it must be NAME=NUMBER\n", (int)len, s);
        s += len + (s[len] == ',');
    }
}

/* ---- handlers without SA_ONSTACK ---- */
/* Handlers of faults run when the program is broken anyway, and test frameworks set them. */
static bool is_fault(int sig)
{
    return sig == SIGSEGV || sig == SIGILL || sig == SIGFPE || sig == SIGBUS || sig == SIGSYS || sig == SIGTRAP || sig == SIGABRT;
}

void rt_check_handlers(void)
{
    static at_u32 said;
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction sa;
        if (is_fault(sig) || sigaction(sig, NULL, &sa) < 0 || (sa.sa_flags & SA_ONSTACK)) continue;
        if (!(sa.sa_flags & SA_SIGINFO) && (sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN)) continue;
        if (at32_xchg_ar(&said, 1)) return;
        rt_print("trine: the handler of signal %d (SIG%s) was set without SA_ONSTACK, so it would run on a goroutine's "
                 "stack and may overflow it; add SA_ONSTACK to its sa_flags\n",
                 sig, sigabbrev_np(sig) ? sigabbrev_np(sig) : "RT");
        return;
    }
}

void rt_debug_init(void)
{
    static bool done;
    rt_age_reset();
    rt_sysmon_idle_since = 0;
    take_sigquit(); /* each run: the program may have set it back */
    if (done) return;
    done = true;
    rt_throw_dump = on_throw;
    rt_sysmon_report = on_round;
    rt_schedtrace_epoch(rt_nanotime());
    const char *env = getenv("TRINE_DEBUG");
    if (env) parse(env);
}
