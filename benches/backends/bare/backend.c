/*
 * The machine's limits: see backend_impl.h. The swap knows that its loop keeps nothing in registers but what it
 * names; the echo server has one thread, no buffer of its own for a connection and no fairness beyond epoll's order.
 */
#include "backend.h"

#include <errno.h>
#include <jansson.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

const char be_name[] = "bare";
const char be_version[] = DRIVER_VERSION;
const char be_procs_meaning[] = "ignored: one thread";

const struct param be_rt_params[] = {{0}};

const char *be_refusal(const char *workload) {
    if (!strcmp(workload, "echo")) return NULL;
#if defined(__x86_64__)
    if (!strcmp(workload, "switch")) return NULL;
#endif
    return "backend bare is the machine's limit for echo and, on x86-64, switch: it has no tasks";
}

int64_t be_parked_limit(const struct be_config *cfg) {
    (void)cfg;
    return INT64_MAX;
}

bool be_go(be_fn fn, void *arg) {
    (void)fn;
    (void)arg;
    return false;
}

/* The least that exchanges two stacks: each side leaves on its own stack where it goes on, takes the other's pointer
 * and jumps. Both sides are assembler as a whole and keep nothing else, as if a compiler had inlined the swap into
 * loops where nothing is live. Each begins a cache line: wherever else the linker puts them, they take 0.55 or 1.23 ns. */
#if defined(__x86_64__)
enum { STACK_BYTES = 16384 };

static _Alignas(64) char stack[STACK_BYTES];
static uint64_t entered;         /* times that the other side ran */

/* n swaps to the stack `other` and back; the other side runs bare_other. */
void bare_loop(uint64_t n, void *other, uint64_t *count) __attribute__((visibility("hidden")));
void bare_other(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
        ".type bare_loop, @function\n\t.p2align 6\nbare_loop:\n\tendbr64\n"
        "0:\tleaq 1f(%rip), %rax\n\tpushq %rax\n\txchgq %rsp, %rsi\n\tpopq %rax\n\tjmpq *%rax\n"
        "1:\tdecq %rdi\n\tjnz 0b\n\tret\n"
        ".size bare_loop, .-bare_loop\n"
        ".type bare_other, @function\n\t.p2align 6\nbare_other:\n\tendbr64\n"
        "0:\tincq (%rdx)\n\tleaq 1f(%rip), %rax\n\tpushq %rax\n\txchgq %rsp, %rsi\n\tpopq %rax\n\tjmpq *%rax\n"
        "1:\tjmp 0b\n"
        ".size bare_other, .-bare_other\n");

bool be_switch_trips(uint64_t n) {
    void **top = (void **)(stack + STACK_BYTES) - 2;
    *top = (void *)bare_other;
    entered = 0;
    bare_loop(n, top, &entered);
    return __atomic_load_n(&entered, __ATOMIC_RELAXED) == n;
}
#else
bool be_switch_trips(uint64_t n) { return n == 0; }
#endif

static bool echo_once(int epoll, int fd) {
    char buf[4096];
    ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n > 0) return send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    return false;
}

bool be_echo_serve(int listener, int64_t connections, size_t bytes) {
    struct epoll_event events[512];
    int64_t open = 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    (void)bytes;
    for (; open < connections; open++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)};
        if (ev.data.fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, ev.data.fd, &ev) < 0) break;
    }
    bool all = open == connections;
    close(listener);
    while (open > 0) {
        int n = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < n; i++) {
            if (echo_once(epoll, events[i].data.fd)) continue;
            close(events[i].data.fd);
            open--;
        }
    }
    close(epoll);
    return all;
}

int be_run(const struct be_config *cfg, be_fn fn, void *arg) {
    if (cfg->ncpus > 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cfg->cpus[0], &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    fn(arg);
    return 0;
}

int64_t be_threads_made(void) {
    return 0;
}

int be_counts(struct be_count out[BE_MAX_COUNTS]) {
    (void)out;
    return 0;
}

json_t *be_baseline(const struct be_config *cfg) {
    return json_pack("{s:i, s:s}", "threads", 1, "pinning", cfg->ncpus > 0 ? "the first CPU of the list" : "none");
}
