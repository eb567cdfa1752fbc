/*
 * sieve.c: the primes by a chain of goroutines, one filter a prime (Hoare's and McIlroy's sieve).
 *
 *   sieve [COUNT]
 *
 * Each filter receives from its left, drops the multiples of its prime, and sends the rest to its right.
 * The chain ends with the run: when start returns, every filter has stopped, wherever it was parked.
 */
#include <trine.h>

#include <stdio.h>
#include <stdlib.h>

struct filter {
    trine_chan *left, *right;
    int prime;
};

static void generate(void *arg)
{
    trine_chan *right = arg;
    for (int n = 2;; n++) trine_chan_send(right, &n);
}

static void sift(void *arg)
{
    struct filter *f = arg;
    for (int n;;) {
        trine_chan_recv(f->left, &n);
        if (n % f->prime != 0) trine_chan_send(f->right, &n);
    }
}

struct sieve {
    struct filter *filters; /* one a prime; [i].left is [i - 1].right */
    trine_chan *source;
    int nprimes;
    int status;
};

static void start(void *arg)
{
    struct sieve *s = arg;
    trine_chan *left = s->source;
    s->status = 1;
    if (trine_go(generate, left) != 0) return;
    for (int i = 0; i < s->nprimes; i++) {
        struct filter *f = &s->filters[i];
        trine_chan_recv(left, &f->prime);
        printf("%d%c", f->prime, i + 1 < s->nprimes ? ' ' : '\n');
        f->left = left;
        f->right = left = trine_chan_make(sizeof(int), 0);
        if (f->right == NULL || trine_go(sift, f) != 0) return;
    }
    s->status = 0;
}

int main(int argc, char **argv)
{
    struct sieve s = {.nprimes = argc > 1 ? atoi(argv[1]) : 25};
    if (s.nprimes < 1) {
        fprintf(stderr, "sieve: COUNT is '%s': expected a number of 1 or more\n", argv[1]);
        return 2;
    }
    s.filters = calloc((size_t)s.nprimes, sizeof *s.filters);
    s.source = trine_chan_make(sizeof(int), 0);
    if (s.filters == NULL || s.source == NULL || trine_run(NULL, start, &s) != 0) return 1;
    for (int i = 0; i < s.nprimes; i++) trine_chan_free(s.filters[i].right); /* nobody runs any more */
    trine_chan_free(s.source);
    free(s.filters);
    return s.status;
}
