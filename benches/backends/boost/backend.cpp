/*
 * Boost.Fiber as a backend: fibers with 64 KiB stacks on --procs threads, its own channels, mutexes and schedulers
 * (round_robin on one thread, work_stealing on more), as its users write them.
 *
 * C++ ends in this file: no exception leaves a function. See backend_impl.h and backends/backend.h for the contract.
 */
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include <boost/context/detail/fcontext.hpp>
#include <boost/fiber/all.hpp>
#include <boost/version.hpp>
#include <jansson.h>
#include <malloc.h>
#include <sched.h>

extern "C" {
#include "backend.h"

extern const char be_name[] = "boost";
extern const char be_version[] = BOOST_LIB_VERSION;
extern const char be_procs_meaning[] = "threads that share fibers by work_stealing; 1: one thread, round_robin";
extern const struct param be_rt_params[] = {
    {"rt.stack_bytes", PARAM_INT, 16384, 1073741824, "65536", nullptr, "stack of a fiber (fixedsize_stack)"},
    {"rt.suspend", PARAM_INT, 0, 1, "0", nullptr,
     "0: a thread without work keeps looking; 1: it sleeps, and is not woken for work that it could steal"},
    {nullptr, PARAM_INT, 0, 0, nullptr, nullptr, nullptr},
};
}

namespace fibers = boost::fibers;

namespace {

std::size_t stack_bytes;
std::atomic<int64_t> live, threads;

/* Counts of what waits: one mutex and one condition, both made on first use. */
struct parts {
    fibers::mutex lock;
    fibers::condition_variable changed;
};
static_assert(sizeof(parts) <= sizeof(be_wg::room) && alignof(parts) <= alignof(be_wg), "enlarge be_wg.room");
static_assert(sizeof(fibers::mutex) <= sizeof(be_mutex::room), "enlarge be_mutex.room");
static_assert(sizeof(fibers::fiber) <= sizeof(be_fork::fiber), "enlarge be_fork.fiber");

template <class T, class Owner> T &made(Owner *o) {
    while (__atomic_load_n(&o->made, __ATOMIC_ACQUIRE) != 2) {
        uint32_t unmade = 0;
        if (!__atomic_compare_exchange_n(&o->made, &unmade, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) continue;
        new (o->room) T;
        __atomic_store_n(&o->made, 2, __ATOMIC_RELEASE);
    }
    return *std::launder(reinterpret_cast<T *>(o->room));
}

/* What a channel of Boost carries has a fixed type: a word, or the address of a copy of a longer element. */
struct carried {
    uint64_t word;
};

class channel {
public:
    explicit channel(std::size_t elem_bytes) : elem_bytes_{elem_bytes} {}
    virtual ~channel() = default;
    virtual void send(carried v) = 0;
    virtual bool recv(carried &v) = 0;
    virtual void close() = 0;
    const std::size_t elem_bytes_;
};

template <class Boost> class channel_of : public channel {
public:
    template <class... Args> channel_of(std::size_t elem_bytes, Args... args) : channel{elem_bytes}, chan_{args...} {}
    void send(carried v) override { chan_.push(v); }
    bool recv(carried &v) override { return chan_.pop(v) == fibers::channel_op_status::success; }
    void close() override { chan_.close(); }

private:
    Boost chan_;
};

channel *of(be_chan *c) { return reinterpret_cast<channel *>(c); }

/* A worker's share: it steals fibers until the main task has ended. */
void schedule(unsigned procs, bool suspend) {
    if (procs > 1) fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(procs, suspend);
}

void bind(const be_config *cfg, int nth) {
    cpu_set_t set;
    if (cfg->ncpus == 0) return;
    CPU_ZERO(&set);
    CPU_SET(cfg->cpus[nth % cfg->ncpus], &set);
    sched_setaffinity(0, sizeof set, &set);
}

const char *const beyond = "Boost.Fiber has no I/O and no blocking calls: a fiber that reads blocks its thread";

} // namespace

const char *be_refusal(const char *workload) {
    for (const char *name : {"pingpong", "yield", "spawn", "cpu", "sleepers", "steal", "memory", "hol",
                             "fib", "skynet", "chanbuf", "mutex", "idle", "switch"})
        if (!std::strcmp(workload, name)) return nullptr;
    return beyond;
}

int64_t be_parked_limit(const be_config *) { return INT64_MAX; }

bool be_go(be_fn fn, void *arg) {
    try {
        live++;
        fibers::fiber{fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack{stack_bytes}, [fn, arg] {
            fn(arg);
            live--;
        }}.detach();
        return true;
    } catch (const std::exception &) {
        live--;
        return false;
    }
}

void be_yield() { boost::this_fiber::yield(); }
void be_sleep(int64_t ns) { boost::this_fiber::sleep_for(std::chrono::nanoseconds{ns}); }

/* The last task gives up the lock before a waiter gets it, so a waiter may free the group. */
void be_wg_add(be_wg *wg, int n) {
    parts &p = made<parts>(wg);
    std::lock_guard<fibers::mutex> lock{p.lock};
    wg->count += n;
    if (wg->count == 0) p.changed.notify_all();
}

void be_wg_done(be_wg *wg) { be_wg_add(wg, -1); }

void be_wg_wait(be_wg *wg) {
    parts &p = made<parts>(wg);
    std::unique_lock<fibers::mutex> lock{p.lock};
    while (wg->count != 0) p.changed.wait(lock);
}

be_chan *be_chan_make(std::size_t elem_bytes, std::size_t cap) {
    std::size_t room = 2;        /* a power of two, of which one place stays empty */
    while (room < cap + 1) room *= 2;
    try {
        channel *c;
        if (cap == 0) c = new channel_of<fibers::unbuffered_channel<carried>>{elem_bytes};
        else c = new channel_of<fibers::buffered_channel<carried>>{elem_bytes, room};
        return reinterpret_cast<be_chan *>(c);
    } catch (const std::exception &) {
        return nullptr;
    }
}

void be_chan_free(be_chan *c) { delete of(c); }

void be_chan_send(be_chan *c, const void *elem) {
    carried v{};
    std::size_t bytes = of(c)->elem_bytes_;
    if (bytes <= sizeof v.word) {
        std::memcpy(&v.word, elem, bytes);
    } else {
        char *copy = new char[bytes];
        std::memcpy(copy, elem, bytes);
        v.word = reinterpret_cast<uint64_t>(copy);
    }
    of(c)->send(v);
}

bool be_chan_recv(be_chan *c, void *elem) {
    carried v{};
    std::size_t bytes = of(c)->elem_bytes_;
    if (!of(c)->recv(v)) {
        std::memset(elem, 0, bytes);
        return false;
    }
    if (bytes <= sizeof v.word) {
        std::memcpy(elem, &v.word, bytes);
        return true;
    }
    char *copy = reinterpret_cast<char *>(v.word);
    std::memcpy(elem, copy, bytes);
    delete[] copy;
    return true;
}

void be_chan_close(be_chan *c) { of(c)->close(); }

void be_mutex_lock(be_mutex *m) { made<fibers::mutex>(m).lock(); }
void be_mutex_unlock(be_mutex *m) { made<fibers::mutex>(m).unlock(); }

void be_sema_acquire(be_sema *s) {
    parts &p = made<parts>(&s->state);
    std::unique_lock<fibers::mutex> lock{p.lock};
    while (s->state.count == 0) p.changed.wait(lock);
    s->state.count--;
}

void be_sema_release(be_sema *s) {
    parts &p = made<parts>(&s->state);
    std::lock_guard<fibers::mutex> lock{p.lock};
    s->state.count++;
    p.changed.notify_one();
}

ssize_t be_read_blocking(int, void *, std::size_t) { return -ENOSYS; }

bool be_fork(struct be_fork *f, be_fn fn, void *arg) {
    try {
        new (&f->fiber) fibers::fiber{fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack{stack_bytes},
                                      fn, arg};
        return true;
    } catch (const std::exception &) {
        new (&f->fiber) fibers::fiber;
        return false;
    }
}

void be_join(struct be_fork *f) {
    auto *fiber = reinterpret_cast<fibers::fiber *>(&f->fiber);
    if (fiber->joinable()) fiber->join();
    fiber->~fiber();
}

/* fcontext: the assembler routine below Boost's fibers and coroutines. */
bool be_switch_trips(uint64_t n) {
    namespace context = boost::context::detail;
    static std::vector<char> stack(65536);
    uint64_t entered = 0;
    context::fcontext_t other = context::make_fcontext(stack.data() + stack.size(), stack.size(),
                                                       [](context::transfer_t t) {
        auto *count = static_cast<uint64_t *>(t.data);
        for (;;) {
            ++*count;
            t = context::jump_fcontext(t.fctx, nullptr);
        }
    });
    for (uint64_t i = 0; i < n; i++) other = context::jump_fcontext(other, &entered).fctx;
    return entered == n;
}

int be_run(const be_config *cfg, be_fn fn, void *arg) {
    unsigned procs = static_cast<unsigned>(cfg->procs);
    bool suspend = params_int(cfg->rt, "rt.suspend") != 0;
    stack_bytes = static_cast<std::size_t>(params_int(cfg->rt, "rt.stack_bytes"));
    /* Stacks that are freed stay with malloc: given back to the kernel, each would cost its page faults again. */
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_ARENA_MAX, cfg->procs);
    fibers::mutex lock;
    fibers::condition_variable ended;
    bool over = false;
    std::vector<std::thread> workers;
    for (unsigned i = 1; i < procs; i++) {
        workers.emplace_back([&, i] {
            bind(cfg, static_cast<int>(i));
            schedule(procs, suspend);
            std::unique_lock<fibers::mutex> guard{lock};
            while (!over) ended.wait(guard);
        });
        threads++;
    }
    bind(cfg, 0);
    schedule(procs, suspend);
    fn(arg);
    while (live > 0) boost::this_fiber::yield();
    {
        std::lock_guard<fibers::mutex> guard{lock};
        over = true;
        ended.notify_all();
    }
    for (std::thread &w : workers) w.join();
    return 0;
}

int64_t be_threads_made() { return threads; }

int be_counts(be_count out[BE_MAX_COUNTS]) {
    out[0] = {"threads_made", static_cast<uint64_t>(threads.load())};
    return 1;
}

json_t *be_baseline(const be_config *cfg) {
    return json_pack("{s:I, s:s, s:b, s:s, s:s}", "stack_bytes", params_int(cfg->rt, "rt.stack_bytes"), "stacks",
                     "fixedsize_stack: malloc that gives nothing back, no guard page", "idle_threads_sleep",
                     static_cast<int>(params_int(cfg->rt, "rt.suspend")), "channel_capacity",
                     "rounded up to a power of two, less one", "pinning",
                     cfg->ncpus > 0 ? "one CPU a thread, in turn" : "none");
}
