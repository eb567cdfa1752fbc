/*
 * workers.c: a pool of workers behind a channel of jobs; closing it is how they learn that the work is over.
 *
 *   workers [JOBS [WORKERS]]
 */
#include <trine.h>

#include <stdio.h>
#include <stdlib.h>

struct job {
    long n, collatz_steps;
};

struct pool {
    trine_chan *jobs, *done;
    long njobs;
    int nworkers;
};

static long steps_to_one(long n)
{
    long steps = 0;
    for (; n != 1; steps++) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

static void work(void *arg)
{
    struct pool *p = arg;
    struct job job;
    while (trine_chan_recv(p->jobs, &job)) {
        job.collatz_steps = steps_to_one(job.n);
        trine_chan_send(p->done, &job);
    }
}

static void feed(void *arg)
{
    struct pool *p = arg;
    for (long n = 1; n <= p->njobs; n++) trine_chan_send(p->jobs, &(struct job){.n = n});
    trine_chan_close(p->jobs);
}

static void start(void *arg)
{
    struct pool *p = arg;
    struct job best = {0}, job;
    int started = 0;
    for (int i = 0; i < p->nworkers; i++) started += trine_go(work, p) == 0;
    if (started == 0 || trine_go(feed, p) != 0) return;
    for (long i = 0; i < p->njobs; i++) {
        trine_chan_recv(p->done, &job);
        if (job.collatz_steps > best.collatz_steps) best = job;
    }
    printf("%ld jobs by %d workers: %ld needs the most steps, %ld\n", p->njobs, started, best.n,
           best.collatz_steps);
}

int main(int argc, char **argv)
{
    struct pool p = {.njobs = argc > 1 ? atol(argv[1]) : 10000, .nworkers = argc > 2 ? atoi(argv[2]) : 8};
    if (p.njobs < 1 || p.nworkers < 1) {
        fprintf(stderr, "usage: workers [JOBS [WORKERS]], both 1 or more\n");
        return 2;
    }
    p.jobs = trine_chan_make(sizeof(struct job), 64);
    p.done = trine_chan_make(sizeof(struct job), 64);
    if (p.jobs == NULL || p.done == NULL || trine_run(NULL, start, &p) != 0) return 1;
    trine_chan_free(p.jobs);
    trine_chan_free(p.done);
    return 0;
}
