/* SPDX-License-Identifier: Apache-2.0 */
/* The detector of a gate: a mean-bet Shiryaev–Roberts e-detector. Pure mathematics; no clock, no memory of its own.
 *
 * Per look with n > 0 finished requests of which k failed, each of six bets l earns
 *
 *     e_l = 1 - l + l * k / (n * p0)          p0 = 1 - the promised success rate
 *     R_l = (1 + R_l) * e_l
 *
 * and the alarm stands when the mean of the R_l reaches T / alpha, T being the looks of one hour.
 *
 * Why it can be trusted: while the target keeps its promise, each request fails with conditional probability at most p0
 * given the past, so E[k / (n p0)] <= 1 by linearity, whatever the dependence between the requests of one look (bursts, one
 * bad backend, retries). So every e_l is an e-value, E[R after T looks] <= T, and by Markov's inequality the chance of a false
 * alarm within an hour is at most alpha, at any traffic and for any sequence of weights. (Shin, Ramdas, Rinaldo 2022,
 * "E-detectors", arXiv 2203.03532, with the likelihood ratio replaced by the bet above.) A look without requests says
 * nothing and changes nothing. */
#ifndef CF_GATE_DETECTOR_H
#define CF_GATE_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

enum { CF_DETECTOR_BETS = 6 };

extern const double cf_detector_bets[CF_DETECTOR_BETS];

struct cf_detector {
    double p0;                  /* tolerated failure rate, in (0, 1) */
    double threshold;           /* T / alpha */
    double r[CF_DETECTOR_BETS]; /* the sums; capped so that they stay finite */
};

/* `success_min` in (0, 1), `alpha` the false alarms per hour in (0, 1), `look_ms` the length of a look. */
void cf_detector_init(struct cf_detector *d, double success_min, double alpha, int64_t look_ms);

/* One look: n finished requests, k of them failed (k <= n). Returns whether the alarm stands. */
bool cf_detector_look(struct cf_detector *d, uint64_t n, uint64_t k);

/* Whether the alarm stands now. */
bool cf_detector_alarm(const struct cf_detector *d);

/* How far the evidence has come: log(1 + mean R) / log(1 + threshold); 1 and above is the alarm. */
double cf_detector_evidence(const struct cf_detector *d);

#endif
