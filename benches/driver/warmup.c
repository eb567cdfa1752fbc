/* Three windows that agree: see warmup.h. */
#include "warmup.h"

#include <stdlib.h>
#include <string.h>

static const double steady_within = 0.03;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *v, size_t n) {
    double sorted[WARMUP_BATCHES_MAX / 3];
    memcpy(sorted, v, n * sizeof *v);
    qsort(sorted, n, sizeof *sorted, by_value);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* The last three windows of `width` batches each. */
static bool agree(const double *end, size_t width) {
    double least = 0, most = 0;
    for (size_t i = 0; i < 3; i++) {
        double m = median(end - (3 - i) * width, width);
        if (i == 0 || m < least) least = m;
        if (i == 0 || m > most) most = m;
    }
    return most - least <= steady_within * least;
}

bool warmup_steady(const double *batches, size_t n) {
    size_t seen = n < WARMUP_BATCHES_MAX ? n : WARMUP_BATCHES_MAX;
    return seen >= 3 && (agree(batches + n, 1) || agree(batches + n, seen / 3));
}
