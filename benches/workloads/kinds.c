/*
 * kinds: requests of three kinds at once, as a service has them. What do they take of the machine?
 *
 * Method       --tasks tasks at once: three in ten call a service over loopback (api_us), four in ten query a
 *              database over a pool of `connections` (db_us), three in ten write `file_kib` to a file of
 *              their own, fsync it, read it back past the page cache (O_DIRECT) and compare it, by calls that block a
 *              kernel thread. Where a file system has no O_DIRECT the page cache answers: direct_reads says how many did not.
 * Unit         ns until the last has ended. memory_bytes: private memory added when all were under way;
 *              cpu_ns: processor time of the process, all threads.
 * Expectation  Goroutines: threads only for the files under way. Threads: one for each task.
 * Falsified by a file that reads back otherwise (counted), operations that do not add up.
 * Known lies   The files' time is that of the disk below /tmp, and an fsync in a memory file system costs
 *              nothing. Memory is read once, when the last task has been made; the kernel's part is not in
 *              it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "fds.h"
#include "link.h"
#include "mux.h"
#include "usage.h"
#include "workloads.h"

static const struct param kinds_params[] = {
    {"api_us", PARAM_INT, 0, 10000000, "5000", NULL, "what a call to the service takes, microseconds"},
    {"db_us", PARAM_INT, 0, 10000000, "1000", NULL, "what a query takes, microseconds"},
    {"connections", PARAM_INT, 1, 10000, "20", NULL, "in the pool of the database"},
    {"file_kib", PARAM_INT, 1, 1024, "16", NULL, "size of a file"},
    {0},
};

enum kind { API, DATABASE, FILES, NKINDS };
enum { PARTS = 10, API_PARTS = 3, DATABASE_PARTS = 4 };

struct kinds_work {
    struct point *pt;
    struct mux mux;
    be_chan *pool;
    struct be_wg wg;
    struct kind_task *tasks;
    uint64_t n;
    size_t file_bytes;
    _Atomic int64_t direct;      /* files that were read past the page cache */
    char folder[64];
};

struct kind_task {
    struct kinds_work *all;
    uint64_t index;
    enum kind kind;
    bool ok;
};

/* One point a process: the service lives from before to after. */
static struct service service;

static bool query(struct kinds_work *w) {
    int fd;
    be_chan_recv(w->pool, &fd);
    bool ok = link_query(fd, false, (uint32_t)point_int(w->pt, "db_us")) == SERVICE_OK;
    be_chan_send(w->pool, &fd);
    return ok;
}

enum { DIRECT_ALIGN = 4096 };    /* of buffer and length: no device asks for more */

/* The whole file, from the device where that can be: buf has room for bytes rounded up. */
static bool read_back(const char *path, char *buf, size_t bytes, bool *direct) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
    ssize_t got = fd >= 0 ? pread(fd, buf, (bytes + DIRECT_ALIGN - 1) & ~(size_t)(DIRECT_ALIGN - 1), 0) : -1;
    *direct = got >= 0;
    if (fd >= 0) close(fd);
    if (*direct) return got == (ssize_t)bytes;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = fd >= 0 ? pread(fd, buf, bytes, 0) : -1;
    if (fd >= 0) close(fd);
    return got == (ssize_t)bytes;
}

/* One bracket around all of it: each call may block, and between them there is nothing to do for others. */
static bool write_and_read(const char *path, char *buf, size_t bytes, int fill, bool *direct) {
    bool ok = false;
    memset(buf, fill, bytes);
    be_block_enter();
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        ok = write(fd, buf, bytes) == (ssize_t)bytes && fsync(fd) == 0;
        close(fd);
        memset(buf, ~fill, bytes);
        ok = ok && read_back(path, buf, bytes, direct);
        unlink(path);
    }
    be_block_exit();
    for (size_t i = 0; ok && i < bytes; i++) ok = buf[i] == (char)fill;
    return ok;
}

static bool use_file(const struct kind_task *t) {
    size_t room = (t->all->file_bytes + DIRECT_ALIGN - 1) & ~(size_t)(DIRECT_ALIGN - 1);
    char path[96], *buf = aligned_alloc(DIRECT_ALIGN, room);
    bool direct = false;
    snprintf(path, sizeof path, "%s/%llu", t->all->folder, (unsigned long long)t->index);
    bool ok = buf && write_and_read(path, buf, t->all->file_bytes, (int)(t->index % 127), &direct);
    if (direct) atomic_fetch_add(&t->all->direct, 1);
    free(buf);
    return ok;
}

static void kind_task(void *arg) {
    struct kind_task *t = arg;
    struct kinds_work *w = t->all;
    if (t->kind == API) t->ok = mux_call(&w->mux, (uint32_t)point_int(w->pt, "api_us")) == SERVICE_OK;
    else if (t->kind == DATABASE) t->ok = query(w);
    else t->ok = use_file(t);
    be_wg_done(&w->wg);
}

static bool open_pool(struct kinds_work *w) {
    int64_t connections = point_int(w->pt, "connections");
    w->pool = be_chan_make(sizeof(int), (size_t)connections);
    if (!w->pool) point_fail(w->pt, "no memory for a channel");
    for (int64_t i = 0; w->pool && i < connections; i++) {
        int fd = link_open(&service.addr, false);
        if (fd >= 0) be_chan_send(w->pool, &fd);
        else point_fail(w->pt, "connection %lld could not be opened: %s", (long long)i, strerror(-fd));
        if (fd < 0) break;
    }
    return w->pt->status == POINT_OK;
}

static void close_pool(struct kinds_work *w) {
    int fd;
    if (!w->pool) return;
    be_chan_close(w->pool);
    while (be_chan_recv(w->pool, &fd)) link_close(fd, false);
    be_chan_free(w->pool);
}

static void judge(struct kinds_work *w, const struct usage *before, const struct usage *peak, int64_t threads,
                  int64_t cpu_ns) {
    struct point *pt = w->pt;
    int64_t ok = 0;
    for (uint64_t i = 0; i < w->n; i++) ok += w->tasks[i].ok;
    point_sample(pt, (double)pt->elapsed_ns);
    point_operations(pt, (int64_t)w->n, ok);
    point_metric(pt, "throughput", (double)ok * 1e9 / (double)pt->elapsed_ns, "1/s", "higher");
    point_metric(pt, "cpu_ns", (double)cpu_ns, "ns", "lower");
    point_metric(pt, "cpu_per_request_ns", (double)cpu_ns / (double)w->n, "ns", "lower");
    point_metric(pt, "direct_reads", (double)atomic_load(&w->direct), "reads", "higher");
    if (threads > 0) point_metric(pt, "threads", (double)threads, "threads", "lower");
    usage_quote(pt, before, peak);
}

static void kinds_measure(struct kinds_work *w) {
    struct point *pt = w->pt;
    for (uint64_t i = 0; i < w->n; i++) {
        unsigned part = (unsigned)(i % PARTS);
        w->tasks[i] = (struct kind_task){
            w, i, part < API_PARTS ? API : part < API_PARTS + DATABASE_PARTS ? DATABASE : FILES, false};
    }
    struct usage before = usage_now();
    before = usage_now();                /* again: the first reading touched stdio's buffers */
    int64_t cpu_ns = usage_cpu_ns();
    point_begin(pt);
    crowd_go(pt, &w->wg, kind_task, w->tasks, sizeof *w->tasks, w->n);
    struct usage peak = usage_now();
    int64_t threads = threads_now();
    be_wg_wait(&w->wg);
    point_end(pt);
    cpu_ns = usage_cpu_ns() - cpu_ns;
    if (pt->status == POINT_OK) judge(w, &before, &peak, threads, cpu_ns);
}

static void kinds_run(struct point *pt) {
    struct kinds_work w = {.pt = pt, .n = (uint64_t)pt->tasks, .folder = "/tmp/trine-kinds-XXXXXX",
                           .file_bytes = (size_t)point_int(pt, "file_kib") * 1024};
    if (!mkdtemp(w.folder)) {
        point_fail(pt, "no folder could be made in /tmp: %s", strerror(errno));
        return;
    }
    w.tasks = point_alloc(pt, w.n, sizeof *w.tasks);
    if (w.tasks) {
        if (mux_open(pt, &w.mux, &service.addr, w.n) && open_pool(&w)) kinds_measure(&w);
        close_pool(&w);
        mux_close(&w.mux);
    }
    rmdir(w.folder);
    free(w.tasks);
}

static bool kinds_before(struct point *pt) {
    struct service_config config = {0};
    signal(SIGPIPE, SIG_IGN);
    if (!fds_need(pt, (uint64_t)(pt->tasks + point_int(pt, "connections")))) return false;
    int err = service_start(&service, &config);
    if (err) point_fail(pt, "the service did not start: %s", strerror(-err));
    return err == 0;
}

static void kinds_after(struct point *pt) {
    (void)pt;
    service_stop(&service);
}

static int64_t kinds_parked(const struct point *pt) {
    (void)pt;
    return MUX_CONNECTIONS + 1;
}

const struct workload kinds = {
    .name = "kinds",
    .doc = "service calls, database queries and blocking file work at once: memory, threads and processor time",
    .metric = "elapsed_ns", .unit = "ns", .better = "lower",
    .tasks = 100, .tasks_min = 10, .tasks_max = 100000,
    .params = kinds_params,
    .parked = kinds_parked,
    .before = kinds_before,
    .run = kinds_run,
    .after = kinds_after,
};
