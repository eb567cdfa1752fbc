/*
 * trace_file.c: the event trace. Each case is a child; the file that it left is read line by line: each track must be
 * monotone and its slices begin and end in turn, and the events must add up to what trine_stats counted.
 */
#include "child.h"

#include <fcntl.h>
#include <pthread.h>

#include "param.h"

enum { TRACKS = 8, LINE = 512 };
static const int64_t ms = 1000000;
static char file[64];

/* ---- reading ---- */
struct seen {
    unsigned long long switches, resumes, parks, yields, preempts, exits, retakes, steals, stolen, handoffs, netpolled,
        syscalls, moved, timed, timed_elsewhere, spins, tick61, overflows, stops, events, dropped;
    int tracks, footers;
};
struct track { bool open; double ts; };

static bool has(const char *line, const char *what) { return strstr(line, what) != NULL; }

static unsigned long long number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    CHECK(at != NULL);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void read_slice(struct seen *s, struct track *t, const char *line, char phase)
{
    if (phase == 'B') {
        CHECK(!t->open);
        t->open = true;
        if (has(line, "\"by\":\"return\"")) s->resumes++;
        else s->switches++;
        return;
    }
    if (phase == 'E') {
        CHECK(t->open);
        t->open = false;
    }
    s->parks += has(line, "\"end\":\"park\"");
    s->yields += has(line, "\"end\":\"yield\"");
    s->preempts += has(line, "\"end\":\"preempt\"");
    s->exits += has(line, "\"end\":\"exit\"");
    s->retakes += has(line, "\"end\":\"retake\"");
    s->moved += has(line, "\"end\":\"moved\"");
}

static void read_instant(struct seen *s, const char *line)
{
    s->spins += has(line, "\"name\":\"spin\"");
    s->tick61 += has(line, "\"name\":\"tick 61\"");
    s->overflows += has(line, "\"name\":\"overflow\"");
    s->stops += has(line, "\"name\":\"world stopped\"");
    if (has(line, "\"name\":\"timers\"")) {
        unsigned long long n = number_after(line, "\"n\":");
        s->timed += n;
        if (number_after(line, "\"of\":\"P") + 1 != number_after(line, "\"tid\":")) s->timed_elsewhere += n;
    }
    s->handoffs += has(line, "\"name\":\"handoff\"");
    s->syscalls += has(line, "\"name\":\"syscall\"");
    if (has(line, "\"name\":\"netpoll\"")) s->netpolled += number_after(line, "\"n\":");
    if (has(line, "\"name\":\"steal\"")) {
        s->steals++;
        s->stolen += number_after(line, "\"n\":");
    }
}

static void read_meta(struct seen *s, const char *line)
{
    s->tracks += has(line, "thread_name");
    if (!has(line, "\"trine_trace\"")) return;
    s->footers++;
    s->events = number_after(line, "\"events\":");
    s->dropped = number_after(line, "\"dropped\":");
}

/* One object a line: braces and quotes in pairs, ended by a comma but for the last. */
static void check_form(const char *line, bool last)
{
    int depth = 0, quotes = 0;
    for (const char *c = line; *c; c++) {
        quotes += *c == '"';
        depth += (*c == '{') - (*c == '}');
        CHECK(depth >= 0);
    }
    CHECK(depth == 0 && quotes % 2 == 0);
    CHECK(has(line, "},\n") != last);
}

static void read_events(FILE *f, struct seen *s)
{
    struct track track[TRACKS] = {{false, 0}};
    char line[LINE], next[LINE];
    memset(s, 0, sizeof *s);
    CHECK(fgets(line, sizeof line, f) && strcmp(line, "[\n") == 0);
    if (!fgets(line, sizeof line, f)) line[0] = '\0';
    for (; line[0] == '{'; memcpy(line, next, sizeof line)) {
        if (!fgets(next, sizeof next, f)) next[0] = '\0';
        check_form(line, next[0] == ']');
        char phase = line[7];
        unsigned long long tid = number_after(line, "\"tid\":");
        CHECK(tid >= 1 && tid <= TRACKS);
        if (tid < 1 || tid > TRACKS) return;
        struct track *t = &track[tid - 1];
        if (phase == 'M') {
            read_meta(s, line);
            continue;
        }
        double ts = strtod(strstr(line, "\"ts\":") + 5, NULL);
        CHECK(ts >= t->ts);
        t->ts = ts;
        if (phase == 'i') read_instant(s, line);
        if (phase != 'i' || has(line, "\"end\"")) read_slice(s, t, line, phase);
    }
    CHECK(strcmp(line, "]\n") == 0);
    for (int i = 0; i < TRACKS; i++) CHECK(!track[i].open);
    CHECK(s->footers == 1);
}

static void read_trace(const char *path, struct seen *s)
{
    FILE *f = fopen(path, "r");
    memset(s, 0, sizeof *s);
    CHECK(f != NULL);
    if (!f) return;
    read_events(f, s);
    fclose(f);
}

#define SAME(a, b) ((a) == (b) ? (void)0 : differ(#a, (a), #b, (b)))
static void differ(const char *a, unsigned long long x, const char *b, unsigned long long y)
{
    fprintf(stderr, "%s = %llu, %s = %llu\n", a, x, b, y);
    CHECK(x == y);
}

static void compare(const struct seen *s, const struct trine_stats *before, const struct trine_stats *after)
{
    SAME(s->dropped, 0);
    SAME(s->switches, after->switches - before->switches);
    SAME(s->parks, after->parks - before->parks);
    SAME(s->yields, after->yields - before->yields);
    SAME(s->preempts, after->preemptions - before->preemptions);
    SAME(s->steals, after->steals - before->steals);
    SAME(s->stolen, after->stolen - before->stolen);
    SAME(s->handoffs, after->handoffs - before->handoffs);
    SAME(s->netpolled, after->netpolls - before->netpolls - (after->netpolls_outside - before->netpolls_outside));
    SAME(s->syscalls, after->syscalls - before->syscalls);
    SAME(s->retakes, after->retakes - before->retakes);
    SAME(s->timed, after->timer_wakes - before->timer_wakes);
    SAME(s->timed_elsewhere, after->timer_steals - before->timer_steals);
    SAME(s->spins, after->spins - before->spins);
    SAME(s->tick61, after->tick61 - before->tick61);
    SAME(s->overflows, after->overflows - before->overflows);
    SAME(s->stops, after->world_stops - before->world_stops);
    SAME(s->events, after->trace_events - before->trace_events);
}

static uint64_t preempted_before, netpolled_before; /* the counters go on from run to run */

/* ---- a bit of everything; fewer events than a ring holds, so that none is dropped however slow the writer is ---- */
static void yielder(void *wg)
{
    for (int i = 0; i < 50; i++) trine_yield();
    trine_wg_done(wg);
}
static void blocker(void *wg)
{
    trine_syscall_enter();
    usleep(30000);
    trine_syscall_exit();
    trine_wg_done(wg);
}
static void hog(void *wg) /* until one was preempted: three slices of 1 ms do, unless the machine has no time for the monitor */
{
    struct trine_stats s;
    int64_t until = trine_nanotime() + 10 * ms, limit = until + 2000 * ms;
    do {
        while (trine_nanotime() < until) TRINE_POLL();
        trine_stats(&s);
        until += 10 * ms;
    } while (s.preemptions == preempted_before && until < limit);
    trine_wg_done(wg);
}
static void writer(void *fd) /* until the reader waited for a byte once, and twenty bytes at least */
{
    struct trine_stats s = {.netpolls = netpolled_before};
    for (int i = 0; i < 20 || (s.netpolls == netpolled_before && i < 400); i++) {
        trine_sleep(ms / 10);
        trine_write(*(int *)fd, "x", 1);
        trine_stats(&s);
    }
    trine_close(*(int *)fd);
}

static void everything(void *arg)
{
    (void)arg;
    static int fd[2];
    char c;
    trine_wg wg = {0};
    trine_wg_add(&wg, 22);
    for (int i = 0; i < 10; i++) go(yielder, &wg);
    for (int i = 0; i < 4; i++) go(hog, &wg);
    for (int i = 0; i < 4; i++) go(blocker, &wg);
    for (int i = 0; i < 4; i++) go(yielder, &wg);
    if (pipe(fd) || trine_open_fd(fd[0]) || trine_open_fd(fd[1])) abort();
    go(writer, &fd[1]);
    while (trine_read(fd[0], &c, 1) == 1) continue;
    trine_wg_wait(&wg);
}

/* The test's processes are children of a fork. */
static const char *file_of(pid_t process)
{
    static char name[sizeof file + 20];
    snprintf(name, sizeof name, "%s.pid%d", file, (int)process);
    return name;
}

static void whole_run(void *procs)
{
    struct trine_stats before, after;
    struct seen s;
    setenv("TRINE_TRACE", file, 1);
    trine_stats(&before);
    preempted_before = before.preemptions;
    netpolled_before = before.netpolls;
    CHECK(trine_run(&(trine_config){.gomaxprocs = *(int *)procs, .slice_ns = ms}, everything, NULL) == 0);
    trine_stats(&after);
    read_trace(file_of(getpid()), &s);
    unlink(file_of(getpid()));
    compare(&s, &before, &after);
    SAME(s.moved, 0);
    CHECK(s.tracks >= 1 && s.tracks <= *(int *)procs);
    CHECK(s.parks);
    CHECK(s.yields);
    CHECK(s.preempts);
    CHECK(s.exits);
    CHECK(s.netpolled);
    SAME(s.syscalls, 5); /* the blockers, and a close */
    if (*(int *)procs > 1) return;
    CHECK(s.handoffs && s.retakes); /* the only P leaves every blocking call */
}

static void test_a_whole_run_adds_up(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        in_child(whole_run, &procs);
        assert_ended_well("a traced run");
    }
}

/* ---- from inside ---- */
static void part(void *arg)
{
    trine_wg *wg = arg;
    struct trine_stats before, after;
    struct seen s;
    CHECK(trine_trace_stop() == -EINVAL);
    CHECK(trine_trace_start(NULL) == -EINVAL);
    CHECK(trine_trace_start("/no/such/folder/t") == -ENOENT);
    trine_stats(&before);
    SAME(before.trace_events, 0);
    CHECK(trine_trace_start(file) == 0);
    CHECK(trine_trace_start(file) == -EBUSY);
    for (int round = 0; round < 2; round++) {
        trine_wg_add(wg, 10);
        for (int i = 0; i < 10; i++) go(yielder, wg);
        trine_wg_wait(wg);
    }
    while (trine_num_goroutine() > 1) trine_yield(); /* a wait ends before the last goroutine does */
    CHECK(trine_trace_stop() == 0);
    trine_stats(&after);
    read_trace(file, &s);
    CHECK(s.exits == 20 && s.dropped == 0 && s.resumes == 1);
    SAME(s.events, after.trace_events - before.trace_events);
    CHECK(trine_trace_start(file) == 0); /* again */
    CHECK(trine_trace_stop() == 0);
    read_trace(file, &s);
    CHECK(s.exits == 0 && s.dropped == 0);
}

static void test_a_part_of_a_run(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        trine_wg wg = {0};
        run_in_child(&(trine_config){.gomaxprocs = procs}, part, &wg);
    }
}

/* ---- too many events: the reader of the pipe that the trace goes to begins late ---- */
static int pipe_fd;
static atomic_bool may_read;

static void *late_reader(void *seen)
{
    while (!may_read) usleep(1000);
    FILE *f = fdopen(pipe_fd, "r");
    CHECK(f != NULL);
    if (f) read_events(f, seen);
    return NULL;
}

static void too_many(void *arg)
{
    trine_wg wg = {0};
    struct trine_stats after;
    struct seen s;
    pthread_t reader;
    char path[64];
    int fd[2];
    (void)arg;
    if (pipe(fd)) abort();
    pipe_fd = fd[0];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd[1]);
    if (pthread_create(&reader, NULL, late_reader, &s)) abort();
    CHECK(trine_trace_start(path) == 0);
    do { /* the pipe is full, then the writer's text, then the rings */
        trine_wg_add(&wg, 2);
        go(yielder, &wg);
        go(yielder, &wg);
        trine_wg_wait(&wg);
        trine_stats(&after);
    } while (after.trace_dropped < 1000);
    may_read = true;
    close(fd[1]);
    CHECK(trine_trace_stop() == 0);
    trine_stats(&after);
    trine_syscall_enter();
    pthread_join(reader, NULL);
    trine_syscall_exit();
    SAME(s.dropped, after.trace_dropped);
    SAME(s.events, after.trace_events);
    /* a slow machine preempts, and the monitor may take the P of the last call */
    SAME(s.switches + s.resumes + s.parks + s.yields + s.exits + s.preempts + s.retakes + s.handoffs + s.syscalls, s.events);
    CHECK(s.events >= RT_TRACE_EVENTS);
}

static void test_what_does_not_fit_is_counted(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1}, too_many, NULL);
}

/* ---- files that cannot be ---- */
static void nothing(void *arg) { (void)arg; }

/* ---- $TRINE_TRACE in parent and child ---- */
static void ended_file(pid_t process)
{
    char end[3] = "";
    int fd = open(file_of(process), O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && lseek(fd, -2, SEEK_END) > 0 && read(fd, end, 2) == 2 && strcmp(end, "]\n") == 0);
    if (fd >= 0) close(fd);
    CHECK(unlink(file_of(process)) == 0);
}

static void on_both_sides(void *arg)
{
    int status;
    (void)arg;
    setenv("TRINE_TRACE", file, 1);
    CHECK(trine_run(NULL, nothing, NULL) == 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS); /* a run that hangs ends with its process */
        _exit(trine_run(NULL, nothing, NULL) != 0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    ended_file(getpid());
    ended_file(child);
}

static void test_a_file_for_each_process(void **state)
{
    (void)state;
#if defined(RT_TSAN) || defined(RT_ASAN)
    puts("SKIP: TSan starts no thread in the child of a process that had several, and ASan's allocator may be locked there");
    skip();
#endif
    in_child(on_both_sides, NULL);
    assert_ended_well("a run before a fork and one behind it");
}

static void full_disk(void *arg)
{
    (void)arg;
    CHECK(trine_trace_start("/dev/full") == 0);
    CHECK(trine_trace_stop() == -ENOSPC);
}

static void bad_path(void *arg)
{
    (void)arg;
    setenv("TRINE_TRACE", "/no/such/folder/t", 1);
    CHECK(trine_run(NULL, nothing, NULL) == 0);
}

static void test_bad_files_are_told(void **state)
{
    (void)state;
    in_child(full_disk, NULL); /* also: legal outside of a run */
    assert_ended_well("a full disk");
    assert_non_null(strstr(last.text, "trine: the trace is not complete: No space left on device\n"));
    in_child(bad_path, NULL);
    assert_ended_well("a bad path");
    assert_string_equal(last.text, "trine: TRINE_TRACE: /no/such/folder/t: No such file or directory; there will be no trace\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_run_adds_up),
        cmocka_unit_test(test_a_part_of_a_run),
        cmocka_unit_test(test_what_does_not_fit_is_counted),
        cmocka_unit_test(test_a_file_for_each_process),
        cmocka_unit_test(test_bad_files_are_told),
    };
    snprintf(file, sizeof file, "/tmp/trine-trace-%d.json", (int)getpid());
    int failed = cmocka_run_group_tests_name("the event trace", tests, NULL, NULL);
    unlink(file);
    return failed;
}
