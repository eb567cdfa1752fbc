/*
 * trine_schedtrace.c: the scheduler's state as lines in the format of Go's schedtrace. Floor 9; the monitor prints them.
 *
 * That of Go 1.26; what it prints and this runtime does not have is left out (mallocing, throwing, preemptoff, locks). The
 * lists of Ps and Ms are read under sched.lock, everything in them without the lock that it belongs to: figures, not a snapshot.
 * The text is gathered first and written after the lock is released, since stderr may be a slow pipe.
 */
#include "g.h"
#include "runq.h"
#include "sanitize.h"
#include "stack.h"
#include "trine_report.h"

#include <stdarg.h>
#include <stdio.h>

/* The monitor's alone. */
static struct { char buf[256 << 10]; size_t len; bool full; } text;
static int64_t epoch;

void rt_schedtrace_epoch(int64_t now) { epoch = now; }

static __attribute__((format(printf, 1, 2))) void add(const char *fmt, ...)
{
    va_list ap;
    size_t room = sizeof text.buf - text.len;
    va_start(ap, fmt);
    int n = vsnprintf(text.buf + text.len, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room) {
        text.full = true;
        text.buf[text.len] = '\0'; /* whole pieces only */
    } else {
        text.len += (size_t)n;
    }
}

static void flush(void)
{
    for (size_t at = 0; at < text.len; at += 500) rt_print("%.500s", text.buf + at);
    if (text.full) rt_print("  (cut: more than %zu bytes)\n", sizeof text.buf);
    text.len = 0;
    text.full = false;
}

/* A number, or Go's word for none. */
static const char *number(char *out, bool is, uint64_t n)
{
    snprintf(out, 24, is ? "%llu" : "nil", (unsigned long long)n);
    return out;
}

static RT_NO_TSAN void add_p(struct p *pp)
{
    char m[24];
    struct m *mp = rt_pm(pp);
    uint32_t dead = 0;
    for (int c = 0; c < RT_STACK_CLASSES; c++) dead += pp->gfree[c].n;
    add("  P%u: status=%u schedtick=%u syscalltick=%u m=%s runqsize=%u gfreecnt=%u timerslen=%u\n", pp->id,
        at32_load_rlx(&pp->status), at32_load_rlx(&pp->schedtick), at32_load_rlx(&pp->syscalltick),
        number(m, mp != NULL, mp ? mp->id : 0), rt_runqlen(pp), dead, pp->timers.len);
}

static RT_NO_TSAN void add_m(struct m *mp)
{
    char p[24], cur[24], locked[24];
    struct p *pp = mp->p;
    struct g *gp = rt_curg(mp), *lg = mp->lockedg;
    if (gp == &mp->g0) gp = NULL;
    add("  M%u: p=%s curg=%s dying=%u spinning=%s blocked=%s lockedg=%s\n", mp->id,
        number(p, pp != NULL, pp ? pp->id : 0), number(cur, gp != NULL, gp ? gp->goid : 0),
        at32_load_rlx(&mp->dying), mp->spinning ? "true" : "false", !pp && !gp ? "true" : "false",
        number(locked, lg != NULL, lg ? lg->goid : 0));
}

static RT_NO_TSAN bool add_g(uintptr_t lo, uintptr_t hi, void *unused)
{
    (void)unused;
    char m[24], locked[24];
    struct g *gp = rt_gofslot(lo, hi);
    uint32_t status = rt_gstatus(gp) & ~(uint32_t)Gscan;
    if (status == Gidle || status == Gdead) return true;
    struct m *mp = status == Grunning || status == Gsyscall ? gp->m : NULL, *lm = gp->lockedm;
    add("  G%llu: status=%u(%s) m=%s lockedm=%s\n", (unsigned long long)gp->goid, status,
        status == Gwaiting ? rt_waitname(gp->waitreason) : "", number(m, mp != NULL, mp ? mp->id : 0),
        number(locked, lm != NULL, lm ? lm->id : 0));
    if (sizeof text.buf - text.len < 512) flush();
    return true;
}

/* Whoever holds the lock may be a thread that was stopped for good; a report does not wait for ever. */
static bool lock_for_a_while(void)
{
    for (int i = 0; i < 1000; i++) {
        if (rt_trylock(&rt_sched.lock)) return true;
        rt_usleep(1000);
    }
    return false;
}

void rt_schedtrace(int64_t now, bool detail, bool goroutines)
{
    struct sched *s = &rt_sched;
    if (!lock_for_a_while()) {
        rt_print("SCHED: sched.lock was not to be had\n");
        return;
    }
    int n = rt_nprocs();
    add("SCHED %lldms: gomaxprocs=%d idleprocs=%u threads=%d spinningthreads=%u needspinning=%u idlethreads=%d runqueue=%u",
        (long long)((now - epoch) / 1000000), n, at32_load_rlx(&s->npidle), s->mcount + s->nzombie,
        at32_load_rlx(&s->nmspinning), at32_load_rlx(&s->needspinning), s->nmidle, s->runq.n);
    if (detail) {
        add(" gcwaiting=%s nmidlelocked=%d stopwait=%d sysmonwait=%s\n", at32_load_rlx(&s->gcwaiting) ? "true" : "false",
            s->nmidlelocked, s->stopwait, at32_load_rlx(&s->sysmonwait) ? "true" : "false");
        for (int i = 0; i < n; i++) add_p(s->allp[i]);
        for (struct m *mp = s->allm; mp; mp = mp->alllink) add_m(mp);
    } else {
        add(" [");
        for (int i = 0; i < n; i++) add(" %u", rt_runqlen(s->allp[i]));
        add(" ] schedticks=[");
        for (int i = 0; i < n; i++) add(" %u", at32_load_rlx(&s->allp[i]->schedtick));
        add(" ]\n");
    }
    rt_unlock(&s->lock);
    if (goroutines) rt_stackwalk(add_g, NULL);
    flush();
}
