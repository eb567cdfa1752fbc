/* Change points in a series, by circular binary segmentation on ranks.
 *
 * In a segment, the stretch whose ranks differ most from those around it is the candidate: one that reaches
 * an end is a step, one in the middle a bump that came and went (which a single split would miss). Having
 * chosen the best of many, its ordinary p would be too small, so the same search is run on shuffled ranks: p
 * is the share of shuffles whose best stretch is at least as good. Shuffling stops as soon as p_limit is out
 * of reach, so a quiet series costs little; a change costs 5 / p_limit searches of GRID^2 / 2 steps. */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MIN_SEGMENT   5
#define EXPECTED_HITS 5 /* shuffles enough that p_limit is this many of them: its own error stays small */
#define MAX_SHUFFLES  1000000
#define GRID          128 /* places where a stretch may begin or end, before it is refined */

struct indexed {
    double value;
    size_t at;
};

struct search {
    const double *x;
    size_t n;
    struct indexed *sorted;         /* scratch, as are the ranks: of the segment at hand */
    double *ranks, *sums, *weights; /* sums[i]: of the ranks before i; weights[k]: 1 / (k (n - k)) */
    struct stat_change *found;      /* room for n */
    size_t nfound;
    double p_limit;
    uint64_t seed;
};

static int by_value(const void *a, const void *b) {
    const struct indexed *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

static void rank_segment(struct search *s, size_t from, size_t len) {
    for (size_t i = 0; i < len; i++) s->sorted[i] = (struct indexed){s->x[from + i], i};
    qsort(s->sorted, len, sizeof *s->sorted, by_value);
    for (size_t i = 0, end; i < len; i = end) {
        for (end = i + 1; end < len && s->sorted[end].value == s->sorted[i].value; end++) continue;
        for (size_t j = i; j < end; j++) s->ranks[s->sorted[j].at] = (double)(i + 1 + end) / 2;
    }
}

/* How far the ranks in [from, to) lie from their expectation: |sum - k(n+1)/2|^2 / (k(n-k)). The variance of
 * the ranks themselves is the same for every arc and shuffle of a segment and is left out. */
static double arc_score(const struct search *s, size_t len, size_t from, size_t to) {
    double away = s->sums[to] - s->sums[from] - (double)(to - from) * (double)(len + 1) / 2;

    return away * away * s->weights[to - from];
}

static bool arc_allowed(size_t len, size_t from, size_t to) {
    return to - from >= MIN_SEGMENT && len - (to - from) >= MIN_SEGMENT &&
           (from == 0 || from >= MIN_SEGMENT) && (to == len || len - to >= MIN_SEGMENT);
}

/* The best arc whose ends lie on a grid: every position in a short segment, GRID of them in a long one. */
static double best_arc(struct search *s, size_t len, size_t *from_out, size_t *to_out) {
    size_t stride = (len + GRID - 1) / GRID;
    double best = -1;

    s->sums[0] = 0;
    for (size_t i = 0; i < len; i++) s->sums[i + 1] = s->sums[i] + s->ranks[i];
    for (size_t from = 0; from < len; from += stride) {
        for (size_t at = from + stride; at < len + stride; at += stride) {
            size_t to = at < len ? at : len;
            double score = arc_score(s, len, from, to);

            if (score > best * (1 + 1e-12) && arc_allowed(len, from, to)) {
                best = score;
                *from_out = from;
                *to_out = to;
            }
        }
    }
    return best;
}

/* Moves the ends of an arc off the grid to the best places near by; an end at the segment's own end stays. */
static void refine(const struct search *s, size_t len, size_t *from, size_t *to) {
    size_t stride = (len + GRID - 1) / GRID, from0 = *from, to0 = *to;
    double best = arc_score(s, len, from0, to0);

    for (size_t i = from0 < stride ? 0 : from0 - stride; i <= from0 + stride; i++) {
        for (size_t j = to0 - stride; j <= to0 + stride && j <= len; j++) {
            if ((from0 == 0) != (i == 0) || (to0 == len) != (j == len) || j <= i || !arc_allowed(len, i, j))
                continue;
            if (arc_score(s, len, i, j) > best) {
                best = arc_score(s, len, i, j);
                *from = i;
                *to = j;
            }
        }
    }
}

static double permutation_p(struct search *s, size_t len, double seen) {
    size_t rounds = (size_t)fmin(MAX_SHUFFLES, ceil(EXPECTED_HITS / s->p_limit)), hits = 0, from, to;

    for (size_t r = 0; r < rounds; r++) {
        for (size_t i = len - 1; i > 0; i--) {
            size_t j = stat_random_below(&s->seed, i + 1);
            double t = s->ranks[i];

            s->ranks[i] = s->ranks[j];
            s->ranks[j] = t;
        }
        hits += best_arc(s, len, &from, &to) >= seen * (1 - 1e-12);
        if ((double)(hits + 1) > s->p_limit * (double)(rounds + 1)) return 1;
    }
    return (double)(hits + 1) / (double)(rounds + 1);
}

/* Recursion is as deep as there are changes: at most n / MIN_SEGMENT. Changes are found in order of place. */
static void segment(struct search *s, size_t start, size_t len) {
    size_t from = 0, to = len;

    if (len < 2 * MIN_SEGMENT) return;
    rank_segment(s, start, len);
    for (size_t k = 1; k < len; k++) s->weights[k] = 1 / ((double)k * (double)(len - k));
    s->weights[len] = 0;

    double seen = best_arc(s, len, &from, &to);

    refine(s, len, &from, &to);

    double p = permutation_p(s, len, seen);

    if (p > s->p_limit) return;
    segment(s, start, from);
    if (from > 0) s->found[s->nfound++] = (struct stat_change){.index = start + from, .p = p};
    segment(s, start + from, to - from);
    if (to < len) s->found[s->nfound++] = (struct stat_change){.index = start + to, .p = p};
    segment(s, start + to, len - to);
}

static void describe(struct search *s) {
    for (size_t i = 0; i < s->nfound; i++) {
        size_t from = i ? s->found[i - 1].index : 0, at = s->found[i].index;
        size_t end = i + 1 < s->nfound ? s->found[i + 1].index : s->n;

        s->found[i].before = stat_median(s->x + from, at - from);
        s->found[i].after = stat_median(s->x + at, end - at);
    }
}

static double size_of(const struct stat_change *c) {
    return fabs(c->after - c->before) / fabs(c->before);
}

static void merge_small(struct search *s, double effect) {
    for (describe(s); s->nfound > 0; describe(s)) {
        size_t least = 0;

        for (size_t i = 1; i < s->nfound; i++)
            if (size_of(&s->found[i]) < size_of(&s->found[least])) least = i;
        if (!(size_of(&s->found[least]) < effect)) return;
        memmove(&s->found[least], &s->found[least + 1], (s->nfound - least - 1) * sizeof *s->found);
        s->nfound--;
    }
}

int stat_change_points(const double *x, size_t n, double p_limit, double effect, uint64_t seed,
                       struct stat_change *out, size_t max) {
    if (!(p_limit > 0 && p_limit < 1 && effect >= 0)) return -EINVAL;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return -EINVAL;
    if (n == 0) return 0;

    struct search s = {.x = x, .n = n, .p_limit = p_limit, .seed = seed};
    int result = -ENOMEM;

    s.sorted = malloc(n * sizeof *s.sorted);
    s.ranks = malloc((3 * n + 2) * sizeof *s.ranks);
    s.sums = s.ranks + n;
    s.weights = s.sums + n + 1;
    s.found = malloc(n * sizeof *s.found);
    if (s.sorted && s.ranks && s.found) {
        segment(&s, 0, n);
        merge_small(&s, effect);
        if (s.nfound > max) s.nfound = max;
        memcpy(out, s.found, s.nfound * sizeof *out);
        result = (int)s.nfound;
    }
    free(s.sorted), free(s.ranks), free(s.found);
    return result;
}
