/* Many tests at once: Holm's step-down correction. */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct hypothesis {
    double p;
    size_t index;
};

static int by_p(const void *a, const void *b) {
    const struct hypothesis *x = a, *y = b;

    return (x->p > y->p) - (x->p < y->p);
}

/* The i-th smallest p is multiplied by how many are still in the race; an adjusted p never falls below the
 * one before it, so that the order of rejection is kept. */
int stat_holm(const double *p, size_t n, double *adjusted) {
    struct hypothesis *h = malloc((n ? n : 1) * sizeof *h);
    double running = 0;

    if (h == NULL) return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!(p[i] >= 0 && p[i] <= 1)) {
            free(h);
            return -EINVAL;
        }
        h[i] = (struct hypothesis){p[i], i};
    }
    qsort(h, n, sizeof *h, by_p);
    for (size_t i = 0; i < n; i++) {
        running = fmax(running, fmin(1, h[i].p * (double)(n - i)));
        adjusted[h[i].index] = running;
    }
    free(h);
    return 0;
}
