/*
 * net_alone.c: the network and the timers are waited for whatever becomes of the Ps: a P that leaves a blocking call, or a
 * goroutine locked to its thread, may be the last that could have polled. And a descriptor that is connected while another
 * goroutine waits on it stays the same file.
 */
#include "older_kernel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

static int fds[2];
static atomic_bool served;

static void *writes_later(void *arg)
{
    usleep(30000);
    CHECK(write(fds[1], "x", 1) == 1);
    return arg;
}

static pthread_t open_and_write_later(void)
{
    pthread_t writer;
    CHECK(pipe(fds) == 0 && trine_open_fd(fds[0]) == 0);
    CHECK(pthread_create(&writer, NULL, writes_later, NULL) == 0);
    return writer;
}

static void read_one(void *arg)
{
    char c;
    (void)arg;
    CHECK(trine_read(fds[0], &c, 1) == 1);
    atomic_store(&served, true);
}

static void locked_reads(void *arg)
{
    trine_lock_os_thread();
    pthread_t writer = open_and_write_later();
    read_one(arg);
    pthread_join(writer, NULL);
}

static void ALockedReaderIsServed(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) run_in_child(&(trine_config){.gomaxprocs = procs}, locked_reads, NULL);
}

/* Blocks until the other was served; the call is the program's own. */
static void block_until_served(void)
{
    trine_syscall_enter();
    for (int i = 0; i < 1000 && !atomic_load(&served); i++) usleep(5000);
    trine_syscall_exit();
    CHECK(atomic_load(&served));
}

static void blocks_beside_a_reader(void *arg)
{
    (void)arg;
    pthread_t writer = open_and_write_later();
    go(read_one, NULL);
    for (int i = 0; i < 100; i++) trine_yield();
    trine_sleep(10000000);
    block_until_served();
    pthread_join(writer, NULL);
}

static void sleep_a_while(void *arg)
{
    (void)arg;
    trine_sleep(30000000);
    atomic_store(&served, true);
}
static void blocks_beside_a_sleeper(void *arg)
{
    (void)arg;
    go(sleep_a_while, NULL);
    trine_sleep(10000000);
    block_until_served();
}

static void OthersAreServedBesideABlockingCall(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        run_in_child(&(trine_config){.gomaxprocs = procs}, blocks_beside_a_reader, NULL);
        run_in_child(&(trine_config){.gomaxprocs = procs}, blocks_beside_a_sleeper, NULL);
    }
}

/* ---- connect beside a reader ---- */
static int bound(struct sockaddr_in *a)
{
    socklen_t len = sizeof *a;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)a, sizeof *a) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)a, &len) == 0);
    return fd;
}

static void connects_beside_a_reader(void *arg)
{
    struct sockaddr_in here, peer;
    (void)arg;
    fds[0] = bound(&here);
    fds[1] = bound(&peer);
    CHECK(trine_open_fd(fds[0]) == 0);
    go(read_one, NULL);
    let_others_run();
    trine_sleep(5000000);
    CHECK(trine_connect(fds[0], (struct sockaddr *)&peer, sizeof peer) == 0);
    CHECK(sendto(fds[1], "x", 1, 0, (struct sockaddr *)&here, sizeof here) == 1);
    for (int i = 0; i < 2000 && !atomic_load(&served); i++) trine_sleep(1000000);
    CHECK(atomic_load(&served));
}

static void AReaderSurvivesAConnect(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2)
        run_in_child(&(trine_config){.gomaxprocs = procs}, connects_beside_a_reader, NULL);
}

/* ---- a kernel without epoll_pwait2 (before 5.11), or a sandbox that refuses it ---- */
static void refuse_pwait2(int with)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)with),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    filter_calls(code, sizeof code / sizeof *code);
}

static void sleep_and_read(void *unused)
{
    pthread_t writer = open_and_write_later();
    go(read_one, unused);
    for (int i = 1; i <= 20; i++) {
        int64_t before = trine_nanotime();
        trine_sleep(i * 150000);
        CHECK(trine_nanotime() - before >= i * 150000); /* by the millisecond, and never early */
    }
    while (!atomic_load(&served)) trine_sleep(1000000);
    CHECK(pthread_join(writer, NULL) == 0);
}

static void without_pwait2(void *with)
{
    refuse_pwait2(*(int *)with);
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2}, sleep_and_read, NULL) == 0);
}

static void WaitsWithoutEpollPwait2(void **state)
{
    static const int refusals[] = {ENOSYS, EPERM};
    (void)state;
    for (int i = 0; i < 2; i++) {
        int with = refusals[i];
        filtered_child(without_pwait2, &with, "without epoll_pwait2");
    }
}

/* connect(2) of UDP, where no port is left: EAGAIN, and it stays so. A UNIX listener's full queue says the same and is asked
 * again. */
static void refuse_ports(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    filter_calls(code, sizeof code / sizeof *code);
}

static void connect_in_vain(void *arg)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)arg;
    CHECK(fd >= 0 && trine_open_fd(fd) == 0);
    CHECK(trine_connect(fd, (struct sockaddr *)&to, sizeof to) == -EAGAIN);
    CHECK(trine_close(fd) == 0);
}

static void without_ports(void *arg)
{
    (void)arg;
    refuse_ports();
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2}, connect_in_vain, NULL) == 0);
}

static void AConnectWithoutPortsEnds(void **state)
{
    (void)state;
    filtered_child(without_ports, NULL, "without ports");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ALockedReaderIsServed),
        cmocka_unit_test(OthersAreServedBesideABlockingCall),
        cmocka_unit_test(AReaderSurvivesAConnect),
        cmocka_unit_test(WaitsWithoutEpollPwait2),
        cmocka_unit_test(AConnectWithoutPortsEnds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
