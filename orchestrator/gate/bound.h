/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that a step may pass: an exact upper bound of a failure rate. Pure mathematics.
 *
 * "No alarm" is not "good": a target that nobody calls never alarms. A gate passes only when the one-sided 99 % upper bound
 * (Clopper and Pearson 1934) of the failure rate since the last weight change is below `detect`, the rate a person wants to
 * be sure about. Without failures that takes ln(100) / detect requests. */
#ifndef CF_GATE_BOUND_H
#define CF_GATE_BOUND_H

#include <stdint.h>

#define CF_PASS_CONFIDENCE 0.99

/* The p with P(at most k of n fail | p) = 1 - confidence; 1 when n = 0 or k >= n. Relative accuracy 1e-10. */
double cf_bound_upper(uint64_t n, uint64_t k, double confidence);

/* How many more requests, none failing, until cf_bound_upper(n + m, k) < detect; at most CF_BOUND_NEVER. */
#define CF_BOUND_NEVER ((uint64_t)1000000000000)
uint64_t cf_bound_missing(uint64_t n, uint64_t k, double detect, double confidence);

/* Regularised incomplete beta function I_x(a, b), a, b > 0, x in [0, 1]. */
double cf_beta_incomplete(double a, double b, double x);

#endif
