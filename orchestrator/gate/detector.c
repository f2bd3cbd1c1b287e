/* SPDX-License-Identifier: Apache-2.0 */
/* The mean-bet e-detector of detector.h. */
#include "orchestrator/gate/detector.h"

#include <math.h>

#include "base/mem.h"

/* Small bets find small faults, large ones total failures; six spread evenly in the logarithm lose little against the
 * best single one. */
const double cf_detector_bets[CF_DETECTOR_BETS] = { 0.01, 0.03, 0.1, 0.3, 0.6, 0.9 };

/* Keeps (1 + R) * e finite: e is at most about 1 / p0 <= 1e6 for any promise a plan can state. */
static const double r_cap = 1e200;

static const double ms_per_hour = 3600.0 * 1000.0;

void cf_detector_init(struct cf_detector *d, double success_min, double alpha, int64_t look_ms)
{
    cf_assert(success_min > 0 && success_min < 1);
    cf_assert(alpha > 0 && alpha < 1);
    cf_assert(look_ms > 0);
    *d = (struct cf_detector){
        .p0 = 1 - success_min,
        .threshold = ms_per_hour / (double)look_ms / alpha,
    };
}

static double mean(const struct cf_detector *d)
{
    double sum = 0;
    for (int i = 0; i < CF_DETECTOR_BETS; i++)
        sum += d->r[i];
    return sum / CF_DETECTOR_BETS;
}

bool cf_detector_look(struct cf_detector *d, uint64_t n, uint64_t k)
{
    cf_assert(k <= n);
    if (n > 0) {
        double ratio = (double)k / ((double)n * d->p0);
        for (int i = 0; i < CF_DETECTOR_BETS; i++) {
            double l = cf_detector_bets[i];
            d->r[i] = fmin((1 + d->r[i]) * (1 - l + l * ratio), r_cap);
        }
    }
    return cf_detector_alarm(d);
}

bool cf_detector_alarm(const struct cf_detector *d)
{
    return mean(d) >= d->threshold;
}

double cf_detector_evidence(const struct cf_detector *d)
{
    return log1p(mean(d)) / log1p(d->threshold);
}
