/* SPDX-License-Identifier: Apache-2.0 */
/* Clopper–Pearson bounds through the regularised incomplete beta function, by its continued fraction. */
#include "orchestrator/gate/bound.h"

#include <math.h>

#include "base/mem.h"

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign); /* lgamma() writes a global */
}

/* Continued fraction of I_x(a, b) (Abramowitz and Stegun 26.5.8), evaluated by Lentz's method. Converges fast for
 * x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1;
    double d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= 100000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        const double terms[] = { even, odd };
        double step = 1;
        for (int i = 0; i < 2; i++) {
            d = 1 + terms[i] * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + terms[i] / c;
            c = fabs(c) < tiny ? tiny : c;
            step = c * d;
            value *= step;
        }
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return value;
}

double cf_beta_incomplete(double a, double b, double x)
{
    cf_assert(a > 0 && b > 0);
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(at most k of n fail) for failure rate p, as a binomial tail: I_{1-p}(n - k, k + 1). */
static double at_most(double n, double k, double p)
{
    return cf_beta_incomplete(n - k, k + 1, 1 - p);
}

double cf_bound_upper(uint64_t n, uint64_t k, double confidence)
{
    cf_assert(confidence > 0 && confidence < 1);
    if (n == 0 || k >= n)
        return 1;
    double tail = 1 - confidence;
    if (k == 0)
        return -expm1(log(tail) / (double)n); /* (1 - p)^n = tail */
    double low = (double)k / (double)n;
    double high = 1;
    for (int i = 0; i < 200 && high - low > 1e-11 * high; i++) {
        double mid = (low + high) / 2;
        if (at_most((double)n, (double)k, mid) > tail)
            low = mid;
        else
            high = mid;
    }
    return high;
}

uint64_t cf_bound_missing(uint64_t n, uint64_t k, double detect, double confidence)
{
    cf_assert(detect > 0);
    if (cf_bound_upper(n, k, confidence) < detect)
        return 0;
    uint64_t low = 0;
    uint64_t high = 1;
    while (cf_bound_upper(n + high, k, confidence) >= detect) {
        low = high;
        high *= 2;
        if (high >= CF_BOUND_NEVER)
            return CF_BOUND_NEVER;
    }
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        if (cf_bound_upper(n + mid, k, confidence) < detect)
            high = mid;
        else
            low = mid;
    }
    return high;
}
