/* proc.c: which goroutine and M this thread is; the names of states and wait reasons, in Go's words. Floor 3. */
#include "proc.h"

#if !defined(__x86_64__) || defined(RT_TSAN)
__attribute__((noinline)) struct g *rt_getg(void)
{
    __asm__ volatile("" ::: "memory");
    return rt_tls_g;
}
__attribute__((noinline)) struct m *rt_getm(void)
{
    __asm__ volatile("" ::: "memory");
    return rt_tls_m;
}
__attribute__((noinline)) void rt_setg(struct g *gp)
{
    rt_tls_g = gp;
    __asm__ volatile("" ::: "memory");
}
#endif
__thread struct g *rt_tls_g __attribute__((tls_model("initial-exec")));
__thread struct m *rt_tls_m __attribute__((tls_model("initial-exec")));

static __thread bool monitor;
bool rt_is_monitor(void) { return monitor; }
void rt_monitor_set(bool is) { monitor = is; }

const char *rt_statusname(uint32_t status)
{
    switch (status & ~(uint32_t)Gscan) {
    case Gidle: return "idle";
    case Grunnable: return "runnable";
    case Grunning: return "running";
    case Gsyscall: return "syscall";
    case Gwaiting: return "waiting";
    case Gdead: return "dead";
    case Gpreempted: return "preempted";
    default: return "???";
    }
}

const char *rt_waitname(uint32_t why)
{
    static const char *const names[WR_COUNT] = {
        [WR_NONE] = "waiting",
        [WR_CHAN_RECEIVE] = "chan receive",
        [WR_CHAN_SEND] = "chan send",
        [WR_CHAN_RECEIVE_NIL] = "chan receive (nil chan)",
        [WR_CHAN_SEND_NIL] = "chan send (nil chan)",
        [WR_SELECT] = "select",
        [WR_SELECT_NONE] = "select (no cases)",
        [WR_SLEEP] = "sleep",
        [WR_IO] = "IO wait",
        [WR_MUTEX] = "sync.Mutex.Lock",
        [WR_RWMUTEX_R] = "sync.RWMutex.RLock",
        [WR_RWMUTEX_W] = "sync.RWMutex.Lock",
        [WR_WAITGROUP] = "sync.WaitGroup.Wait",
        [WR_SEMACQUIRE] = "semacquire",
        [WR_PREEMPTED] = "preempted",
        [WR_STW] = "stopping the world",
        [WR_EXIT] = "exit",
    };
    return why < WR_COUNT ? names[why] : "???";
}
