/*
 * trine_run.c: the life of a run. Floor 9.
 *
 * Begin: checks the configuration, sets up Ps, makes the main goroutine and the first M. Meanwhile the caller's thread
 * is the monitor. End, when the main goroutine returned: the world is stopped; every M that is the runtime's own leaves;
 * an M in a blocking call, or stopped by preemption inside foreign code, becomes a zombie: it keeps its thread and its
 * stack, runs on without a P, and ends at its next runtime call (to stop it for good inside libc could leave malloc
 * locked). Then all other stacks go back to the kernel.
 */
#include "cgroup.h"
#include "find.h"
#include "g.h"
#include "globq.h"
#include "m.h"
#include "netpoll.h"
#include "preempt.h"
#include "resize.h"
#include "sched.h"
#include "select.h"
#include "sysmon.h"
#include "timer.h"
#include "trine_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int cpu_list[RT_MAX_PROCS];

/* "0,2-3" into cpu_list; the number of entries, or -EINVAL. */
static int parse_cpus(const char *s)
{
    int n = 0;
    while (*s) {
        char *end;
        if (*s < '0' || *s > '9') return -EINVAL;
        long a = strtol(s, &end, 10), b = a;
        if (*end == '-') {
            s = end + 1;
            if (*s < '0' || *s > '9') return -EINVAL;
            b = strtol(s, &end, 10);
        }
        if (b < a || b >= 1 << 20 || (*end && *end != ',')) return -EINVAL;
        for (long c = a; c <= b; c++) {
            if (n == RT_MAX_PROCS || !rt_cpu_allowed((int)c)) return -EINVAL;
            cpu_list[n++] = (int)c;
        }
        s = *end ? end + 1 : end;
        if (*end && !*s) return -EINVAL; /* a comma at the end */
    }
    return n ? n : -EINVAL;
}

/* 0: by nobody. */
static int configured_procs(const trine_config *cfg)
{
    const char *env = getenv("TRINE_PROCS");
    int n = cfg->gomaxprocs;
    if (n == 0 && env) {
        char *end;
        long v = strtol(env, &end, 10);
        if (end != env && !*end && v > 0 && v <= RT_MAX_PROCS) n = (int)v; /* anything else is ignored, as by Go */
    }
    return n;
}

/* Into rt_sched. 0 or -EINVAL. */
static int configure(const trine_config *cfg, int *procs)
{
    struct sched *s = &rt_sched;
    size_t stack = cfg->stack_bytes ? cfg->stack_bytes : RT_STACK_BYTES;
    if (cfg->gomaxprocs < 0 || cfg->gomaxprocs > RT_MAX_PROCS || cfg->maxthreads < 0) return -EINVAL;
    if (stack < RT_STACK_MIN_BYTES || stack > RT_STACK_MAX_BYTES) return -EINVAL;
    if (cfg->slice_ns && cfg->slice_ns < RT_SLICE_MIN_NS) return -EINVAL;
    if (cfg->ablate >= TRINE_NO_BIAS << 1) return -EINVAL;
    int ncpus = cfg->cpus ? parse_cpus(cfg->cpus) : 0;
    if (ncpus < 0) return ncpus;
    s->cpus = cpu_list;
    s->ncpus = ncpus;
    s->ablate = cfg->ablate;
    s->slice_ns = cfg->slice_ns ? cfg->slice_ns : RT_SLICE_NS;
    s->stackclass = (uint8_t)rt_stackclass(stack);
    s->maxmcount = cfg->maxthreads ? cfg->maxthreads : RT_MAX_THREADS;
    s->seed = cfg->seed ? cfg->seed : rt_randseed();
    *procs = configured_procs(cfg);
    rt_procs_follow(*procs == 0 && !(cfg->ablate & TRINE_NO_PREEMPT)); /* a hog could keep the world from stopping */
    if (*procs == 0) *procs = rt_default_procs(NULL);
    return 0;
}

/* What lasts for the process. 0 or -errno; may be tried again. */
static int init_once(void)
{
    struct sched *s = &rt_sched;
    rt_os_fault_init();
    s->fence_turns = rt_have_membarrier();
    if (!s->allp) {
        size_t words = RT_MAX_PROCS / 32 * sizeof(at_u32);
        struct p **allp = rt_sysalloc(RT_MAX_PROCS * sizeof *allp + words);
        if (!allp) return -ENOMEM;
        s->idlemask = (at_u32 *)(allp + RT_MAX_PROCS);
        s->allp = allp;
    }
    rt_schedinit();
    int err = rt_netpoll_init();
    return err ? err : rt_preempt_init();
}

/* The main goroutine returned; on its own stack. */
static void main_returned(void)
{
    rt_lock(&rt_sched.lock);
    at32_store_rel(&rt_sched.ending, 1);
    rt_wakesysmon();
    rt_unlock(&rt_sched.lock);
}

static int make_main(trine_fn fn, void *arg)
{
    struct p *pp = rt_sched.allp[0];
    struct g *gp = rt_gfget(pp, rt_sched.stackclass);
    if (!gp) return -ENOMEM;
    rt_ginit(gp, fn, arg);
    gp->name = "main";
    gp->gopc = (void *)fn;
    gp->is_main = 1;
    gp->goid = at64_add_rlx(&rt_sched.goidgen, 1) + 1;
    at64_bump(&pp->count.spawns, 1);
    at32_store_rel(&gp->status, Grunnable);
    rt_lock(&rt_sched.lock);
    rt_globrunqput(gp);
    rt_unlock(&rt_sched.lock);
    return 0;
}

/* Everything that a run leaves in the structures. All Ms of the run are gone. */
static void reset(void)
{
    struct sched *s = &rt_sched;
    int64_t alive = 0;
    for (int i = 0; i < rt_pmade(); i++) {
        struct p *pp = s->allp[i];
        rt_timers_drop(pp);
        at64_store_rlx(&pp->runqhead, 0);
        at32_store_rlx(&pp->runqtail, 0);
        atp_store_rlx(&pp->runnext, NULL);
        atp_store_rlx(&pp->m, NULL);
        at32_store_rlx(&pp->status, Pdead);
        at32_store_rlx(&pp->attn, 0);
        at32_store_rlx(&s->idlemask[i / 32], 0);
        at32_store_rlx(&rt_timerbits[i / 32], 0);
        glist_init(&pp->spill);
        for (int c = 0; c < RT_STACK_CLASSES; c++) pp->gfree[c].n = 0;
        pp->link = NULL;
        pp->goidnext = pp->goidend = 0;
        alive += (int64_t)(at64_load_rlx(&pp->count.spawns) - at64_load_rlx(&pp->count.exits));
    }
    rt_lock(&s->lock); /* trine_stats may ask from another thread */
    s->goroutines_base = alive;
    s->nmidle = s->nmidlelocked = 0;
    rt_unlock(&s->lock);
    rt_netpoll_reset();
    rt_selectreset();
    rt_gfforget();
    rt_globq_reset(&s->runq);
    s->pidle = NULL;
    s->biased = NULL; /* and rt_procresize drops it */
    ati64_store_rlx(&s->bias_rests, 0);
    s->midle = NULL;
    ati32_store_rel(&s->nprocs, 0);
    at_u32 *zero[] = {&s->runqsize,  &s->npidle,    &s->nmspinning, &s->needspinning,
                      &s->wake_skip, &s->gcwaiting, &s->sysmonwait, &s->worldsema,
                      &s->lone};
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++) at32_store_rel(zero[i], 0);
    at32_store_rel(&s->ending, 1); /* until the next start is done: a spare that the maker brings late must leave again */
    at64_store_rlx(&s->goidgen, 0);
    rt_noteclear(&s->sysmonnote);
}

static bool is_zombie(uintptr_t lo, uintptr_t hi, void *unused)
{
    (void)unused;
    return at32_load_acq(&rt_gofslot(lo, hi)->preempt) == PREEMPT_ZOMBIE;
}

/* Sorts the Ms: what sits in foreign code becomes a zombie, the others are told to leave. Wants sched.lock. */
static void dismiss(void)
{
    for (struct m *mp = rt_sched.allm; mp; mp = mp->alllink) {
        if (mp->zombie) continue;
        struct g *gp = rt_curg(mp);
        bool blocked = gp && gp != &mp->g0 && at32_cas_ar(&gp->status, Gsyscall, Gsyscall | Gscan);
        bool stopped = gp && !blocked && gp->async;
        if (!blocked && !stopped) {
            at32_store_rel(&mp->dying, 1);
            rt_notewakeup(&mp->park);
            continue;
        }
        at32_store_rel(&gp->preempt, PREEMPT_ZOMBIE);
        mp->zombie = true;
        rt_sched.nzombie++;
        rt_sched.mcount--;
        if (blocked) at32_store_rel(&gp->status, Gsyscall); /* partner: rt_syscall_exit, which then sees the mark */
        else rt_preempt_release(mp);
    }
}

static void end(void)
{
    struct sched *s = &rt_sched;
    /* a goroutine that resizes is let finish: two cannot stop the world. What its signals stop is ours to collect. reset
     * gives it back */
    for (; !at32_cas_acq(&s->worldsema, 0, 1); rt_usleep(50)) rt_preempt_collect();
    rt_stopworld(NULL);
    rt_lock(&s->lock);
    dismiss();
    while (rt_mlive() > 0) {
        rt_unlock(&s->lock);
        rt_netpoll_break(); /* one of them may sleep there */
        rt_notetsleep(&s->sysmonnote, 1000000);
        rt_noteclear(&s->sysmonnote);
        rt_lock(&s->lock);
    }
    rt_unlock(&s->lock);
    reset();
    rt_stackrelease(is_zombie, NULL);
}

static int start(const trine_config *cfg, trine_fn fn, void *arg)
{
    int procs, err = init_once();
    if (!err) err = configure(cfg, &procs);
    if (!err) rt_affinity_hold(cfg->cpus != NULL);
    rt_sigmask_remember();
    if (!err) err = rt_procresize(procs, NULL);
    if (!err) err = make_main(fn, arg);
    if (err) return err;
    struct sched *s = &rt_sched;
    rt_lock(&s->lock);
    at32_store_rel(&s->ending, 0); /* the main goroutine is there: from now a lack of others is a deadlock */
    for (int i = procs - 1; i >= 0; i--) {
        at32_store_rel(&s->allp[i]->status, Pidle);
        rt_pidleput(s->allp[i]);
    }
    ati64_store_rel(&s->lastpoll, rt_nanotime());
    ati64_store_rel(&s->polluntil, 0);
    struct p *pp = rt_pidleget();
    rt_unlock(&s->lock);
    err = rt_mfirst(pp);
    return err;
}

/* In the child of a fork between two runs: the memory of everything, and no thread. Those that there were, the maker and the
 * zombies, are forgotten; their goroutines' stacks go with the next run's. sched.lock may be held by one of them, but what
 * it guards is set anew. The trace sees to its own (trine_trace.c). */
static void forget_threads(void)
{
    struct sched *s = &rt_sched;
    at32_store_rel(&s->lock.held, 0);
    for (struct m *mp = s->allm, *next; mp; mp = next) {
        struct g *gp = rt_curg(mp);
        next = mp->alllink;
        if (gp) at32_store_rel(&gp->preempt, 0); /* partner: is_zombie */
        if (at32_load_rlx(&mp->tid)) rt_sysfree(mp->altstack, mp->altstack_bytes); /* else it was ending, and is gone */
        rt_sysfree(mp, sizeof *mp);
    }
    s->allm = NULL;
    s->mcount = s->nzombie = 0;
    at64_store_rel(&s->makers_standers, 0);
    rt_maker_forget();
    rt_netpoll_forget_closers();
}

static void after_fork(void)
{
    static pid_t last;
    pid_t self = getpid();
    if (last && last != self) forget_threads();
    last = self;
}

int trine_run(const trine_config *cfg, trine_fn fn, void *arg)
{
    static const trine_config defaults;
    if (rt_getg()) return -EBUSY;
    if (!fn) return -EINVAL;
    if (!at32_cas_ar(&rt_sched.running, 0, 1)) return -EBUSY; /* another thread's run */
    after_fork();
    rt_main_returned = main_returned;
    rt_debug_init();
    rt_trace_env_start();
    rt_monitor_set(true);
    int err = start(cfg ? cfg : &defaults, fn, arg);
    if (!err) {
        rt_check_handlers();
        rt_sysmon();
        end();
    } else if (rt_sched.allp) {
        reset();
        rt_stackrelease(is_zombie, NULL);
    }
    rt_affinity_hold(false);
    rt_monitor_set(false);
    rt_trace_env_stop();
    at32_store_rel(&rt_sched.running, 0);
    return err;
}
