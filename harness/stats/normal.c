/* The standard normal distribution. */
#include "stats.h"

#include <math.h>

double stat_normal_cdf(double z) {
    return erfc(-z / sqrt(2.0)) / 2;
}

/* Bisection narrows to where Newton's method is safe; erfc is exact to the last bits, so the inverse is too.
 */
double stat_normal_quantile(double p) {
    double low = -40, high = 40;

    if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    if (p == 0.5) return 0;
    if (p > 0.5) return -stat_normal_quantile(1 - p);
    for (int i = 0; i < 200 && high - low > 1e-15 * fmax(1, fabs(low)); i++) {
        double mid = (low + high) / 2;

        if (stat_normal_cdf(mid) < p)
            low = mid;
        else
            high = mid;
    }
    return (low + high) / 2;
}
