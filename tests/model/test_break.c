/*
 * test_break.c: breaking a blocked network poller: runtime/netpoll.c itself, its kernel calls replaced.
 *
 * Invariant: a reason that was published before rt_netpoll_break is seen by the poller: it does not sleep for good.
 * Sides: a breaker publishes (a timer, say), passes a fence, reads `woken` and writes to the eventfd unless a write is
 * pending; the poller reads the eventfd, clears `woken`, passes a fence and looks for the reason.
 * Bound: one poller that goes on until it has seen every reason; one or two breakers, or one that breaks twice.
 */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- the kernel, by netpoll.c's names for it ---- */
/* One thread of the system runs all threads of the model: each has an errno of its own. */
static int *model_errno(void) {
    static int e[MODEL_MAX_THREADS + 1];

    return &e[model_self() + 1];
}
#undef errno
#define errno (*model_errno())
static at_u32 reason[2];
static char event; /* the eventfd in the epoll set */

static int model_epoll_create1(int flags) { (void)flags; return 3; }
static int model_epoll_ctl(int ep, int op, int fd, struct epoll_event *e) { (void)ep; (void)op; (void)fd; (void)e; return 0; }
static int model_eventfd(unsigned n, int flags) { (void)n; (void)flags; return 4; }
static int model_close(int fd) { (void)fd; return 0; }
static long model_syscall(long number, ...) { (void)number; errno = ENOSYS; return -1; }
static int model_epoll_wait(int ep, struct epoll_event *ev, int max, int ms) {
    (void)ep;
    (void)max;
    if (!model_event_wait(&event, ms >= 0)) return 0;
    ev[0].events = EPOLLIN;
    ev[0].data.u64 = UINT64_MAX;
    return 1;
}
static ssize_t model_read(int fd, void *buf, size_t n) {
    (void)fd;
    model_event_clear(&event);
    memset(buf, 1, n);
    return (ssize_t)n;
}
static ssize_t model_write(int fd, const void *buf, size_t n) {
    (void)fd;
    (void)buf;
    model_event_set(&event);
    return (ssize_t)n;
}

#define epoll_create1 model_epoll_create1
#define epoll_ctl model_epoll_ctl
#define epoll_wait model_epoll_wait
#define eventfd(n, flags) model_eventfd(n, flags)
#define syscall model_syscall
#define close model_close
#define read model_read
#define write model_write
#include "../../runtime/netpoll.c" /* for its static `woken`, which each execution begins anew */

int rt_os_fail(enum os_kind kind) { (void)kind; return 0; }
int64_t rt_nanotime(void) { return 0; } /* no wait here has an end */
void *rt_sysalloc(size_t bytes) { (void)bytes; return NULL; }
void rt_throw(const char *fmt, ...) {
    model_fail(fmt, "rt_throw", 0);
    __builtin_unreachable();
}

/* ---- the threads ---- */
static void setup(void) {
    at32_store_rlx(&reason[0], 0);
    at32_store_rlx(&reason[1], 0);
    rt_netpoll_init();
    at32_store_rlx(&woken, 0);
    model_name(&reason[0], "reason0");
    model_name(&reason[1], "reason1");
    model_name(&event, "eventfd");
}

static void poll_until(int n) {
    struct glist l;

    for (;;) {
        int seen = 0;

        for (int i = 0; i < n; i++) seen += at32_load_rlx(&reason[i]) != 0;
        if (seen == n) return;
        glist_init(&l);
        rt_netpoll(-1, &l);
    }
}
static void poll_one(void) { poll_until(1); }
static void poll_two(void) { poll_until(2); }

static void publish(int i) {
    at32_store_rlx(&reason[i], 1);
    rt_netpoll_break();
}
static void break0(void) { publish(0); }
static void break1(void) { publish(1); }
static void break_twice(void) { publish(0); publish(1); }

static const struct model scenario[] = {
    {"one breaker", setup, {poll_one, break0}, NULL, NULL},
    {"one breaker, twice", setup, {poll_two, break_twice}, NULL, NULL},
    {"two breakers", setup, {poll_two, break0, break1}, NULL, NULL},
};

static const struct site_waiver waiver[] = {
    {"rt_netpoll_inited", "at32_load_acq", 1, "relaxed", "in these scenarios it is initialised before the threads are"},
    {"rt_netpoll_break", "at32_cas_sc", 1, "acquire-release", "the fence before it is the barrier; the swap only elects a writer"},
    {"rt_netpoll_break", "at32_cas_sc", 1, "acquire", "the fence before it is the barrier; the swap only elects a writer"},
    {"rt_netpoll_break", "at32_cas_sc", 1, "release", "the fence before it is the barrier; the swap only elects a writer"},
    {"rt_netpoll_break", "at32_cas_sc", 1, "relaxed", "the fence before it is the barrier; the swap only elects a writer"},
};

static const struct suite suite = {"break", scenario, sizeof(scenario) / sizeof(scenario[0]), 200000,
                                   {waiver, sizeof(waiver) / sizeof(waiver[0]), NULL, 0}, false};

int main(void) { return suite_main(&suite); }
