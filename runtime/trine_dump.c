/*
 * trine_dump.c: every goroutine with its state, as Go prints them. Floor 9; handed down to throw and to SIGQUIT.
 *
 * Runs on the stack that rt_throw keeps for reports, or the monitor's; takes no lock and allocates nothing, since the
 * thread that throws may own any. So it reads what others write: a line may mix two moments of one goroutine, but every
 * pointer it follows stays mapped during a run (slots of stacks are never given back before the end).
 *
 * How long a goroutine has waited: to read the clock at every park would cost more than the park. As in Go, where the
 * collector does it, the stamp comes later: the monitor walks over the goroutines every RT_AGE_PERIOD_NS and stamps
 * those that it finds waiting. A park clears the stamp with the store of its reason. So the time shown is a lower
 * bound, short by one period and the walk; when all is idle the monitor's own sleep began after the last park.
 */
#include "g.h"
#include "m.h"
#include "sanitize.h"
#include "stack.h"
#include "symbol.h"
#include "sysmon.h"
#include "trine_report.h"

#include <stdio.h>

struct dump {
    int64_t now;
    struct g *self;
    uint32_t shown, more;
};

/* ", 3 minutes", when it is that much. */
static RT_NO_TSAN void waited(struct g *gp, int64_t now, char *out, size_t n)
{
    int64_t since = gp->waitstamped ? gp->waitsince : rt_sysmon_idle_since;
    int64_t minutes = since ? (now - since) / 60000000000ll : 0;
    out[0] = '\0';
    if (minutes > 0) snprintf(out, n, ", %lld minutes", (long long)minutes);
}

static RT_NO_TSAN void print_g(struct g *gp, int64_t now, uint32_t status)
{
    char what[128], where[128], since[32] = "";
    status &= ~(uint32_t)Gscan;
    if (status == Gwaiting) waited(gp, now, since, sizeof since);
    bool stopped = gp->async;
    const char *state = status == Gwaiting ? rt_waitname(gp->waitreason) : rt_statusname(stopped ? Gpreempted : status);
    const char *locked = gp->lockedm && gp->lockedcount ? ", locked to thread" : "";
    rt_symbol((void *)gp->fn, what, sizeof what);
    rt_symbol((char *)gp->gopc - 1, where, sizeof where); /* the call, not what follows it */
    rt_print("\ngoroutine %llu [%s%s%s]:%s%.100s\n%s(%#zx)\n", (unsigned long long)gp->goid, state, since, locked,
             gp->name ? " " : "", gp->name ? gp->name : "", what, (size_t)(uintptr_t)gp->arg);
    rt_print("created by %s\n", gp->is_main ? "trine_run" : where);
}

static RT_NO_TSAN bool each(uintptr_t lo, uintptr_t hi, void *arg)
{
    struct dump *d = arg;
    struct g *gp = rt_gofslot(lo, hi);
    uint32_t status = rt_gstatus(gp);
    if (status == Gidle || status == Gdead || gp == d->self) return true;
    if (d->shown >= RT_DUMP_MAX) d->more++;
    else d->shown++, print_g(gp, d->now, status);
    return true;
}

void rt_dump_goroutines(int64_t now)
{
    struct dump d = {.now = now};
    struct g *self = rt_getg();
    if (self && self->m && self != &self->m->g0) { /* whoever threw comes first */
        d.self = self;
        d.shown = 1;
        print_g(self, now, rt_gstatus(self));
    }
    rt_stackwalk(each, &d);
    if (d.more) rt_print("\n...%u more\n", d.more);
}

/* ---- how long they wait ---- */
static RT_NO_TSAN bool stamp(uintptr_t lo, uintptr_t hi, void *arg)
{
    struct g *gp = rt_gofslot(lo, hi);
    if (rt_gstatus(gp) == Gwaiting && !gp->waitstamped) {
        gp->waitsince = *(int64_t *)arg;
        gp->waitstamped = 1; /* against a park at this very moment: the stamp is then as good, being new */
    }
    return true;
}

static struct stackcursor age_at; /* the monitor's */
static int64_t age_next;          /* when the next pass begins */

void rt_age_reset(void)
{
    age_at = (struct stackcursor){0};
    age_next = 0;
}

void rt_age_waiters(int64_t now)
{
    if (!age_at.arena) {
        if (age_next == 0) age_next = now + RT_AGE_PERIOD_NS; /* no short program pays for it */
        if (now < age_next) return;
        age_next = now + RT_AGE_PERIOD_NS;
    }
    rt_stackwalk_some(&age_at, RT_AGE_CHUNK, stamp, &now);
}
