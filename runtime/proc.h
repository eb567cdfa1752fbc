/*
 * proc.h: the four structures of the scheduler: struct g, m, p and sched. Floor 3; no code but accessors.
 *
 * Who may touch what stands beside each field: "owner" is the M that runs the G, or that holds the P. Fields below a
 * lock belong to that lock. A field of type at_* may be read by anybody; its writer and partner are named.
 */
#ifndef RT_PROC_H
#define RT_PROC_H

#include "arch.h"
#include "atomic.h"
#include "bias.h"
#include "lock.h"
#include "note.h"
#include "os_linux.h"
#include "param.h"
#include "throw.h"
#include "trace.h"
#include "include/trine.h"

#include <pthread.h>

struct g;
struct m;
struct p;

/* Go's states and words (runtime2.go). Gscan is a bit: whoever sets it holds the state still. */
enum gstatus { Gidle = 0, Grunnable = 1, Grunning = 2, Gsyscall = 3, Gwaiting = 4, Gdead = 6, Gpreempted = 9, Gscan = 0x1000 };
enum { PREEMPT_ASKED = 1, PREEMPT_ZOMBIE = 2 }; /* g.preempt: give way; leave, for your run is over */
enum pstatus { Pidle, Prunning, Pgcstop, Pdead };

/* Why a goroutine waits: shown in dumps in Go's words (throw.c prints, trace names). */
enum waitreason {
    WR_NONE, WR_CHAN_RECEIVE, WR_CHAN_SEND, WR_CHAN_RECEIVE_NIL, WR_CHAN_SEND_NIL, WR_SELECT, WR_SELECT_NONE,
    WR_SLEEP, WR_IO, WR_MUTEX, WR_RWMUTEX_R, WR_RWMUTEX_W, WR_WAITGROUP, WR_SEMACQUIRE, WR_PREEMPTED, WR_STW, WR_EXIT,
    WR_COUNT
};

/* A list of goroutines, linked through schedlink: what the floors below sched return instead of readying. FIFO. */
struct glist { struct g *head, *tail; uint32_t n; };
/* The queue that all Ps share (globq.c). */
struct gchunk;
struct globq {
    struct gchunk *head, *tail;
    struct gchunk *spare;
    struct glist rest;         /* what found no chunk */
    uint32_t n;                /* how many stand in it */
};

/* ---- timers (timer.c) ---- */
struct timer;
struct timer_slot { int64_t when; uintptr_t who; }; /* `when` beside the timer: sifting compares in one array; who: timer.c */
struct timers {                /* one a P */
    struct lock lock;
    uint32_t len, cap;         /* lock */
    uint32_t nstopped;         /* lock: stopped timers still in the heap, cleaned when they are many */
    struct timer_slot *heap;   /* lock; 4-ary, grown by rt_sysalloc */
    at_i64 earliest;           /* written under the lock, read by anybody: 0 none, else no timer fires before it */
};
struct timer {
    at_ptr ts;                 /* the heap it stands in (struct timers), or NULL; changed under that heap's lock */
    int64_t when;              /* the heap's lock; of its only user while it stands in none */
    /* Runs on the M that found it due; what is to be readied is appended to `ready`. See `brief`. */
    void (*fire)(struct timer *t, struct glist *ready);
    void *arg;
    uint32_t idx;              /* the heap's lock: its slot, unless it is fixed */
    bool fixed;                /* g.timer of a sleep: nobody moves or stops it, so where it stands in the heap is not kept */
    bool brief;                /* fire runs under the heap's lock: it takes no lock itself; else without any lock */
    bool stopped;              /* the heap's lock: deleted, but its slot is still there */
    at_u32 firing;             /* not brief: fire is running; partner: rt_timers_sync */
};

/* A goroutine in a wait queue (chan.c, select.c, sema.c). A G waits in one place at a time but for select. */
struct sudog {
    struct g *g;
    struct sudog *next, *prev; /* the queue's lock */
    void *elem;                /* where the peer finds or leaves the value; may point into the G's stack */
    void *queue;               /* the channel or semaphore */
    struct sudog *waitlink;    /* the G's list of them, in lock order */
    int case_index;
    bool is_select, success;   /* success: woken by a peer, not by a close */
    bool sends, twin;          /* of a select: which queue; the select has several entries on this channel */
};

/* ---- G ---- */
struct g {
    /* the first line: what a switch and the entry of a public call touch */
    struct ctx ctx;            /* owner; saved when not running */
    struct m *m;               /* owner: the M that runs it */
    uint32_t inrt;             /* > 0 inside the runtime: written by the G alone, read by the preemption handler on its thread */
    at_u32 preempt;            /* set by sysmon, stop-the-world, end of run; cleared when honoured; read at every public call */
    at_u32 status;             /* enum gstatus; partner: rt_retakep's scan bit (syscall.c) */
    union {                    /* owner: a park writes both bytes with one store */
        uint16_t wait;
        struct { uint8_t waitreason, waitstamped; }; /* stamped: waitsince belongs to this wait; the monitor sets it */
    };
    uint8_t stackclass, guarded : 1, is_main : 1;
    uintptr_t stack_lo;        /* lowest usable byte */
    uint32_t stack_bytes;      /* from stack_lo to this struct */
    uint32_t slot;             /* constant: the number of its stack within the class (stack.h) */
    /* the second: with the first, all that a goroutine which never waits touches from its making to its end */
    struct g *schedlink;       /* whoever holds the queue it stands in */
    struct m *lockedm;         /* owner: the M that alone may run it (LockOSThread, or stopped in the preemption handler) */
    int errno_saved;           /* owner */
    uint32_t unjoined;         /* owner: how many it made and has not waited for (sched_switch.h: join order) */
    uint64_t goid;
    trine_fn fn;
    void *arg;
    void *gopc;                /* return address of trine_go: where it was made */
    const char *name;
    /* the third: what a wait touches */
    struct sudog sudog0;       /* for every wait but select */
    void *param;               /* who wakes it leaves a word here: the sudog that was served */
    /* the rest */
    struct sudog *waiting;     /* owner: select's list, lock order */
    at_u32 selectdone;         /* 0 while a select may still be won: CAS by the first peer (chan.c) */
    uint32_t lockedcount;      /* owner: nesting of trine_lock_os_thread */
    uint32_t async;            /* its M stands in the preemption handler (preempt.c); cleared when it goes on */
    int64_t waitsince;         /* when the monitor found it waiting (trine_dump.c) */
    struct timer timer;        /* sleep, and the deadline of select_until */
#ifdef RT_TSAN
    void *tsan_fiber;
#endif
#ifdef RT_ASAN
    void *asan_fake;
#endif
};

_Static_assert(offsetof(struct g, schedlink) == 64 && offsetof(struct g, sudog0) == 128 && offsetof(struct g, waiting) == 192,
               "the lines of struct g");

/* What to do with the G that was left, once its stack is no longer in use. */
enum post_kind { POST_NONE, POST_UNLOCK, POST_UNLOCKF, POST_RUNQ, POST_GLOBRUNQ, POST_DEAD, POST_ZOMBIE };
struct post {
    enum post_kind kind;
    struct g *gp;
    bool (*unlockf)(struct g *, void *); /* false: do not park after all */
    void *arg;                           /* of unlockf, or the lock */
};

/* ---- M ---- */
struct m {
    at_ptr curg;               /* owner; sysmon and the stopper look */
    struct p *p;               /* owner; NULL in a blocking call whose P was taken: sysmon clears it, holding Gscan on curg */
    struct post post;          /* owner: handed across the switch */
    int *errno_loc;            /* __errno_location() of this thread: the function is const to the compiler, so it is asked once */
    uint64_t rng;              /* owner: xorshift */
    bool spinning;             /* owner: looks for work; counted in sched.nmspinning */
    at_u32 dying;              /* set at the end of a run, then it is woken: leaves as soon as it is on g0 */
    bool zombie;               /* sched.lock: its G outlived its run; it leaves at its next runtime call */
    struct g *nextg;           /* owner: a G that pick found but could not run directly */
    bool onsystem;             /* owner: rt_systemstack is under way */
    bool woken;                /* owner: was woken to spin and ran nothing yet */
    bool owes_wait;            /* owner: was to wait for timers, or did; if it goes on to run something, another must (find.c) */
    struct p *nextp;           /* who wakes it leaves the P here, before the wake-up */
    struct p *oldp;            /* the P before a blocking call */
    struct g *lockedg;         /* the G locked to this M */
    struct note park;
    struct m *schedlink;       /* sched.lock: idle list */
    struct m *alllink;         /* sched.lock: list of all */
    struct m *freelink;
    int cpu;                   /* owner: bound to it; -1: not bound */
    uint32_t id;
    at_u32 tid;                /* kernel's thread id; 0 before it started and after it ended */
    at_u32 signal_pending;     /* one preemption signal at most: set by the sender, cleared by the handler */
    struct p *async_p;         /* what its handler dropped: read by sysmon from the mailbox (preempt.c) */
    struct m *async_link;      /* mailbox */
    void *altstack;
    size_t altstack_bytes;
    struct g g0;               /* the thread's own stack: runs the scheduler */
};

/* Counters of a P: one writer (the owner), read by trine_stats. */
struct pcount {
    at_u64 steals, stolen, parks, wakes, spins, switches, yields, spawns, overflows, runnext_hits, tick61, syscalls,
        preemptions, timers_fired, netpolls, exits, runnext_steals, timer_wakes, timer_steals, mutex_handoffs;
};

/* Dead Gs with their stacks, of one stack class: the last in is hot and goes first. */
struct gcache { uint32_t n; struct g *g[RT_GFREE_MAX]; };

/* ---- P ---- */
enum { RT_RUNQ_OVER = RT_RUNQ_SIZE / 2 + 1 }; /* a full ring gives away half, and the one that found no room */

struct p {
    /* thieves touch this line */
    _Alignas(RT_CACHE_LINE) at_u64 runqhead; /* head, and above it an epoch (runq.c): moved by CAS, from owner and thieves */
    at_u32 runqtail;           /* owner stores with release; thieves acquire */
    at_ptr runnext;            /* owner puts and takes, a thief takes by CAS */
    at_u32 schedtick;          /* +1 at every switch that does not inherit the slice; read by sysmon */
    at_u32 syscalltick;        /* +1 at every blocking call; read by sysmon */
    at_ptr runq[RT_RUNQ_SIZE];
    /* owner's line */
    _Alignas(RT_CACHE_LINE) at_ptr m; /* whoever holds the P; sysmon and the stopper look */
    at_u32 status;             /* enum pstatus */
    at_u32 fifo_due;           /* the ring's oldest waits for a slice: the next join takes it; set by sysmon (sched_switch.h) */
    at_u32 attn;               /* ATTN_*: somebody wants this P to come to the scheduler; set by anybody, cleared by the owner */
    uint32_t id;
    uint32_t tick;             /* owner: all switches, for the 61st and the timers */
    uint32_t tick_polled;      /* owner: the tick at which the global queue had its last turn */
    bool solo;                 /* no other P exists: nobody can steal, so no locked instruction (set under stop-the-world) */
    struct bias bias;          /* no other P runs (bias.h); given and taken under sched.lock (p.c) */
    bool rotates;              /* solo, and no switch changes what a yield does: sched.c, rotate (set with solo) */
    uint32_t wake_skipped;     /* owner: readies of a lone runnext since the last wake-up (rt_wake_for_ready) */
    struct p *link;            /* sched.lock: idle list */
    uint64_t goidnext, goidend;
    struct glist spill;        /* owner: with TRINE_LOCAL_ONLY, what the ring could not hold */
    struct timers timers;
    struct pcount count;
    /* sysmon's: */
    uint32_t sm_schedtick, sm_syscalltick, sm_head;
    uint64_t sm_switches;
    int64_t sm_schedwhen, sm_syscallwhen, sm_headwhen;
    int cpu;                   /* -1: unpinned */
    struct gcache gfree[RT_STACK_CLASSES]; /* owner */
    struct g *over[RT_RUNQ_OVER]; /* owner: what a full ring gave away, on its way: a small stack has no room for it */
};
enum { ATTN_STOP = 1, ATTN_TIMER = 2 };

/* ---- sched: one ---- */
struct sched {
    struct lock lock;
    /* lock: */
    struct globq runq;         /* the global queue */
    struct m *midle;           /* parked Ms, LIFO: the warmest first */
    int32_t nmidle, nmidlelocked, mcount, maxmcount; /* mcount leaves zombies out */
    uint32_t last_mid;         /* the number of the M that was made last, also of one that came to nothing */
    struct p *pidle;
    struct p *biased;          /* who has the bias; NULL: nobody */
    struct m *allm;
    int32_t stopwait;
    struct note stopnote;
    int64_t goroutines_base;   /* lock: Gs of earlier runs that never exited: the Ps' counters run on */
    int32_t nzombie;           /* Ms of earlier runs that sit in foreign code */
    uint64_t threads_made, bias_given, bias_revoked, global_gets, global_puts, needspins;
    /* anybody: */
    _Alignas(RT_CACHE_LINE) at_u32 runqsize; /* written under the lock, read without: a hint */
    at_u32 npidle;             /* partner: rt_wakep */
    at_u32 nmspinning;         /* partner: rt_wakep and the last spinner's recheck */
    at_u32 needspinning;
    at_u32 wake_skip;          /* how many such readies to let pass: doubled by a wake-up in vain, 0 after a useful one */
    at_u32 gcwaiting;          /* stop-the-world is asked for; partner: ATTN_STOP, g.preempt */
    at_u32 ending;             /* the main goroutine returned */
    at_u32 running;            /* a run is on */
    _Alignas(RT_CACHE_LINE) at_u32 *idlemask; /* a bit a P: thieves pass over it */
    at_i64 lastpoll;           /* 0: some M is in a blocking netpoll */
    at_i64 bias_rests;         /* not given again: since when, after another thread took it back; 0: it may be. sched.lock */
    at_i64 polluntil;          /* until when that M sleeps; 0 for good */
    at_u32 sysmonwait;
    struct note sysmonnote;
    at_u64 goidgen;
    at_u64 idle_fences;        /* how often the last spinner rechecked: what rt_fence_idle is weighed by */
    at_u64 mwakes, handoffs, retakes, world_stops, sysmon_rounds, preempt_signals, preempt_parked;
    at_u64 netpolls_outside;   /* what was readied from the poller by who holds no P: it has no counters of its own */
    at_u64 makers_standers;    /* threads being made, and Ms that stand in the preemption handler: m.h */
    at_u32 carries;            /* sysmon's: a P or goroutines in hand, which no M and no queue shows; partner: rt_checkdead */
    at_ptr mailbox;            /* Ms whose handler dropped its P: a stack by CAS, emptied by sysmon (preempt.c) */
    at_u32 worldsema;          /* one stopper at a time */
    at_u32 follow;             /* worldsema: nobody set the number of Ps, so it follows affinity and quota */
    /* seldom written: */
    at_u32 lone;               /* one P exists, or one has the bias: a hint for those outside of the bracket (mutex.c) */
    /* constant during a run: */
    at_i32 nprocs;             /* changes under stop-the-world; a stale one does no harm to Ms without a P: Ps are never freed */
    struct p **allp;           /* RT_MAX_PROCS of them, made when first needed, never freed; for other threads: rt_pmade */
    at_i32 nmade;              /* how many were ever made: the first ones; written with release by rt_procresize */
    unsigned ablate;
    bool fence_turns;          /* the kernel has membarrier: sysmon decides who pays (fence.h), and there is a bias (bias.h) */
    int64_t slice_ns;
    uint8_t stackclass;        /* of an ordinary goroutine */
    uint64_t seed;
    const int *cpus;
    int ncpus;
    trine_fn main_fn;
    void *main_arg;
};
extern struct sched rt_sched;

const char *rt_statusname(uint32_t status); /* proc.c: Go's words */
const char *rt_waitname(uint32_t waitreason);

/* gp will be run, or made anew, soon: its first two lines and the top of its stack, which lies below it. Among many
 * goroutines each of these is a miss of 80 ns or more. */
static inline void rt_prefetch_g(struct g *gp)
{
    __builtin_prefetch(gp, 1);
    __builtin_prefetch((char *)gp + 64, 1);
    __builtin_prefetch((char *)gp - 64, 1);
    __builtin_prefetch((char *)gp - 128, 1);
}

/* The same a turn later, when gp's first line has come: where it parked below a large frame (a buffer), it goes on further down.
 * A hint: a thief may have gp by now, and run it, so the pointer may be any that it had. */
static inline void rt_prefetch_frames(struct g *gp)
{
#ifdef RT_TSAN /* the switch is assembly to it, the making of a context is not */
    (void)gp;
#else
    uintptr_t sp = (uintptr_t) * (void *volatile *)&gp->ctx.sp;
    if ((uintptr_t)gp - sp <= RT_PREFETCH_NEAR) return;
    for (uintptr_t at = sp; at < sp + RT_PREFETCH_FRAMES; at += 64) __builtin_prefetch((void *)at, 1);
#endif
}

/* ---- the current goroutine and its thread ---- */
/* Read afresh at every use: after a switch this code may be on another thread, and a cached thread-local address
 * would be the old one's. Hence the asm, which the compiler can neither merge nor move over another.
 * The M has a word of its own, though g.m says it too: it is never rewritten, so what follows from it (the P, the head
 * of its queue) need not wait for a goroutine that was chosen a moment ago.
 */
extern __thread struct g *rt_tls_g;
extern __thread struct m *rt_tls_m; /* NULL where rt_tls_g is; set when the thread becomes an M */
#if defined(__x86_64__) && !defined(RT_TSAN)
static inline __attribute__((always_inline)) struct g *rt_getg(void)
{
    struct g *gp;
    __asm__ volatile("movq rt_tls_g@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(gp));
    return gp;
}
static inline __attribute__((always_inline)) struct m *rt_getm(void)
{
    struct m *mp;
    __asm__ volatile("movq rt_tls_m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(mp));
    return mp;
}
static inline __attribute__((always_inline)) void rt_setg(struct g *gp)
{
    void *tmp;
    __asm__ volatile("movq rt_tls_g@gottpoff(%%rip), %0\n\tmovq %1, %%fs:(%0)" : "=&r"(tmp) : "r"(gp) : "memory");
}
#else
struct g *rt_getg(void); /* proc.c: not inlined */
struct m *rt_getm(void);
void rt_setg(struct g *gp);
#endif

/* Is this the thread that called trine_run? From before its start until after its end; it runs no code of the program's. */
bool rt_is_monitor(void);
void rt_monitor_set(bool is);

/* acquire: the Ps below it are made; partner is rt_procresize */
static inline int rt_nprocs(void) { return ati32_load_acq(&rt_sched.nprocs); }
/* All Ps that there ever were, those of a larger number too: for counters. acquire: allp and its first nmade are set. */
static inline int rt_pmade(void) { return ati32_load_acq(&rt_sched.nmade); }
static inline struct g *rt_curg(const struct m *mp) { return atp_load_acq(&mp->curg); }
static inline struct m *rt_pm(const struct p *pp) { return atp_load_acq(&pp->m); }
static inline bool rt_ablated(unsigned flag) { return (rt_sched.ablate & flag) != 0; }

static inline uint32_t rt_gstatus(struct g *gp) { return at32_load_acq(&gp->status); }

/* glist */
static inline void glist_init(struct glist *l) { l->head = l->tail = NULL; l->n = 0; }
static inline bool glist_empty(const struct glist *l) { return l->head == NULL; }
static inline void glist_push(struct glist *l, struct g *gp) /* at the tail */
{
    gp->schedlink = NULL;
    if (l->tail) l->tail->schedlink = gp;
    else l->head = gp;
    l->tail = gp;
    l->n++;
}
static inline struct g *glist_pop(struct glist *l) /* from the head */
{
    struct g *gp = l->head;
    if (!gp) return NULL;
    l->head = gp->schedlink;
    if (!l->head) l->tail = NULL;
    gp->schedlink = NULL;
    l->n--;
    return gp;
}
static inline void glist_append(struct glist *to, struct glist *from)
{
    if (!from->head) return;
    if (to->tail) to->tail->schedlink = from->head;
    else to->head = from->head;
    to->tail = from->tail;
    to->n += from->n;
    glist_init(from);
}

static inline uint32_t rt_fastrand(struct m *mp) /* xorshift64*, Vigna 2016; never 0 state */
{
    uint64_t x = mp->rng;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    mp->rng = x;
    return (uint32_t)((x * 0x2545F4914F6CDD1Dull) >> 32);
}
#endif
