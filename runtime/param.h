/*
 * param.h: every tuned constant of the runtime, with its unit and its reason. Floor 0.
 *
 * A value that Go also has is Go's, so that the two can be compared. The chaos build shrinks the queues so that
 * the rare paths (overflow, batch, wrap) are the common ones.
 */
#ifndef RT_PARAM_H
#define RT_PARAM_H

#ifdef TRINE_CHAOS
#define RT_RUNQ_SIZE 4u /* entries */
#define RT_GFREE_MAX 4u
#else
#ifndef RT_RUNQ_SIZE
#define RT_RUNQ_SIZE 256u /* entries of a P's ring: Go's; a power of two */
#endif
#define RT_GFREE_MAX 64u /* dead Gs a P keeps; above, half go to the shared list: Go's */
#endif

#define RT_PREFETCH_NEAR 256u      /* a parked stack pointer so near its descriptor came with it */
#define RT_PREFETCH_FRAMES 384u    /* from the stack pointer up: a park, a read, and what the program does with it */
#define RT_PREFETCH_AHEAD 2u        /* turns before its own that a goroutine is fetched: 180 ns from another core */
#define RT_GLOBAL_TICK 61u          /* every 61st schedule polls the global queue first: Go's; prime, so no lock-step */
#define RT_TIMER_TICK 8u            /* a busy P reads the clock for its timers on every 8th switch: 39 ns / 8 = 5 ns each */
/* Of a crowd, how many are readied at a time, and timers run under one hold of a heap's lock: 64 descriptors are a
 * quarter of the L1 cache. */
#define RT_READY_BATCH 64u
#define RT_GLOBAL_BATCH 128u        /* most Gs taken from the global queue at once: half a ring, as in Go */
#ifdef TRINE_CHAOS
#define RT_GLOBQ_CHUNK 2u
#else
#define RT_GLOBQ_CHUNK 126u         /* pointers in a chunk of the global queue: 1 KiB with its head */
#endif
#define RT_GLOBQ_SLAB 64u           /* chunks made at a time: 64 KiB of address space */
#define RT_MAX_PROCS 1024           /* Ps: Go's historic bound, and BigGOMAXPROCS asks for it */
#define RT_MAX_THREADS 10000        /* Ms: Go's; one more ends the program */
#define RT_SLICE_NS 10000000ll      /* 10 ms: Go's forcePreemptNS */
#define RT_SLICE_MIN_NS 20000ll     /* sysmon's own shortest sleep: a shorter slice could not be kept */
#define RT_STEAL_PASSES 4           /* passes over all Ps: Go's; only the last takes timers and runnext */
#define RT_RUNNEXT_BACKOFF_NS 3000  /* 3 us before runnext is stolen: its owner is likely about to run it; Go's */
#define RT_SYSMON_MIN_NS 20000ll    /* 20 us: Go's */
/* 1 us by which the kernel may end an M's sleep late (in the poller by a thousandth of it, which netpoll.c sees to). Its own
 * default, 50 us, was half of what a lone sleeper was late on an otherwise busy machine; Go leaves it. */
#define RT_TIMER_SLACK_NS 1000
#define RT_SYSMON_MAX_NS 10000000ll /* 10 ms: Go's */
/* 20 ms without a switch before it sleeps for good: sooner, each message of an idle server would wake it (2 us). */
#define RT_SYSMON_DEEP_NS 20000000ll
#define RT_SYSMON_RARE_NS 100000000ll /* 100 ms: a sleep for good that lasted as long says that events are rare here, ... */
#define RT_SYSMON_RARE_QUIET_NS 100000ll /* ... so after 100 us without a switch it sleeps: 2 us a wake-up against 10 looks */
#define RT_SYSMON_SKIP_NS 200000ll  /* 200 us while wake-ups are thinned: how late a needed one may be; 2 % of a core */
#define RT_FENCE_LOOK_NS 1000000ll  /* 1 ms between two looks at who should pay for the fence */
/* A membarrier, with what it does to the one interrupted, over a full barrier: 14 us over 20 to 30 ns (decision 12). */
#define RT_FENCE_RATIO 500u
#define RT_FENCE_ENOUGH 100000u     /* a full barrier each: less than 1 ms of them says nothing */
#define RT_SYSMON_IDLE_ROUNDS 50    /* rounds at 20 us before the sleep doubles: Go's */
#define RT_PROCS_PERIOD_NS 1000000000ll /* between two looks at affinity and quota: Go's */
#define RT_NETPOLL_STALE_NS 10000000ll /* sysmon polls when nobody did for 10 ms: Go's */
#define RT_NETPOLL_EVENTS 128       /* events fetched by one epoll_wait: Go's */

#define RT_STACK_BYTES (64u << 10)  /* address space of an ordinary goroutine: 128 B of page table each (2 MiB would be 4 KiB) */
#define RT_STACK_MIN_BYTES 2048u    /* half a page: the way under Go's 2.7 KB a goroutine */
#define RT_STACK_MAX_BYTES (1u << 30) /* 1 GiB: Go's own ceiling */
#define RT_STACK_GUARDED_BYTES (16u << 10) /* from here a stack has a guard page; below, a canary */
#define RT_STACK_CLASSES 20         /* 2 KiB << 0 ... 2 KiB << 19 = 1 GiB */
#define RT_OVERRUN_BYTES (16u << 20) /* so far below its stack a goroutine is taken to have overflowed it, not to be on another */
#define RT_BELOW_BYTES (1u << 20)  /* nobody's, below an arena: so far a frame of its first goroutines overruns by name */
#define RT_MAPS 65530u              /* mappings of a process, where /proc does not say: the kernel's own default */
#define RT_GUARD_BATCH 16             /* guards made by one call: 0.4 us each instead of 1.0, and 6 us at a time */
#define RT_AHEAD_FROM 1024u         /* the stack of a class from which on a crowd is being made, and memory is committed ahead */
#define RT_AHEAD_GAP 8u             /* slots between who carves and who commits, so that they do not fault in the same page */
#define RT_AHEAD_WINDOW 64u         /* slots committed ahead at most: 230 KB */
#define RT_AHEAD_CHUNK 32           /* pages before an M looks for work again: some 100 us, as long as Go's idle workers */
#define RT_ARENA_BYTES (64ull << 20) /* one mmap: 1,024 ordinary stacks; NORESERVE, so untouched pages are free */

#ifdef TRINE_CHAOS
#define RT_BIAS_REST_NS 100000ll
#define RT_TRIM_PERIOD_NS 20000000ll
#define RT_TRIM_KEEP 16u
#else
#define RT_BIAS_REST_NS 10000000ll  /* 10 ms without it after a membarrier took the bias back: 0.1 % of a core */
#ifndef RT_TRIM_PERIOD_NS
#define RT_TRIM_PERIOD_NS 5000000000ll /* a stack that nobody wanted for 5 to 10 s goes back: to touch it again costs 2 us */
#endif
#define RT_TRIM_KEEP 1024u          /* dead of a class stay however old: 4 MiB, and no work for the monitor of a small program */
#endif
#define RT_TRIM_CHUNK 128u          /* given back in one round of the monitor: 100 us */

#define RT_LOCK_PAUSES_FIRST 32     /* pauses between two looks at a runtime lock that is held, doubled up to the last (lock.c) */
#define RT_LOCK_PAUSES_LAST 256     /* after which the core is given away */
#define RT_GLOCK_PAUSES_FIRST 256   /* the same for what goroutines share, a channel say: they come in runs of operations */
#define RT_GLOCK_PAUSES_LAST 512
#define RT_GOID_BATCH 16            /* goroutine numbers a P takes at a time: Go's */
#define RT_WAKE_SKIP_MAX 65536u     /* readies between two wake-ups for a lone runnext, once wake-ups proved useless: some 2 ms */

#define RT_DUMP_MAX 100             /* goroutines that a report prints: Go's own bound on a traceback is 100 frames */
#define RT_AGE_PERIOD_NS 10000000000ll /* between two walks that stamp waiting goroutines; reports show minutes */
#define RT_AGE_CHUNK 256            /* goroutines looked at in one round of the monitor: at most 30 us of cache misses */

#ifndef RT_TRACE_EVENTS
#define RT_TRACE_EVENTS 32768u      /* of 16 B in each P's ring: 512 KiB, 1.5 ms of the densest switching */
#endif
#define RT_TRACE_PERIOD_US 500      /* between two emptyings of the rings */
#define RT_TRACE_CALIBRATE_US 2000  /* over which the counter's rate is measured: to 50 ppm, with a clock read of 50 ns */

#define RT_MUTEX_SPINS 4            /* rounds that a mutex polls before it parks: Go's */
#define RT_MUTEX_SPIN_PAUSES 30     /* pauses a round: Go's */
#define RT_MUTEX_MISS_PAUSES 8      /* after a compare-and-swap that failed: 3 to 240 measure alike, 1 is too few; Go has none */
#define RT_MUTEX_STARVING_NS 1000000 /* 1 ms without the mutex: from then it is handed over in order; Go's */

#define RT_SELECT_FRAME 32          /* cases whose waiters lie in the goroutine's frame: 72 B each, half a page */
#define RT_SELECT_ROOM_BYTES 768u   /* of stack, kept for the way from there through a park */
#define RT_SELECT_MAX 65536         /* cases: Go's */

#define RT_CACHE_LINE 64
#endif
