/* SPDX-License-Identifier: Apache-2.0 */
/* How long writers would stand still, from what was measured in this run, and how long each part of a
 * freeze has really taken. Pure; any thread.
 *
 * A freeze is a chain of parts. A part's time is taken to be log-normal: never negative, and late more
 * often than early. With n samples of it, y = ln(ms), mean m and sum of squares S around it, the next one
 * lies below exp(m + t · s · sqrt(1 + 1/n)), where s² = (PRIOR_N · SPREAD² + S) / (PRIOR_N + n - 1) and t is the
 * quantile of Student's distribution with PRIOR_N + n - 1 degrees of freedom: the prediction of a normal
 * variable whose variance has a scaled inverse chi-square prior (Gelman et al., Bayesian Data Analysis,
 * 3rd ed., 3.2 and 3.3). The prior is the floor of the spread: two passes that happened to take equally long do not make a
 * certain third, and one rehearsed restore has a spread at all. What cannot be measured before (ending
 * and starting pods, the proof of files) is one sample out of specs, sizes and a wider prior.
 *
 * The chain's quantile is the sum of its parts' quantiles: exact where all parts are late together, as on a
 * busy cluster, and too careful where they are late independently (comonotonic sums: Dhaene et al., Insurance: Mathematics
 * and Economics 31, 2002). */
#ifndef CF_ENGINE_FORECAST_H
#define CF_ENGINE_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

/* The parts of a freeze, in order. */
enum cf_part {
    CF_PART_STOP, /* the writers' pods end, their volumes are let go */
    CF_PART_PASS,
    CF_PART_HAND_OVER,
    CF_PART_RESTORE,
    CF_PART_VERIFY, /* of `verify: checksum` */
    CF_PART_START,  /* the other side's pods become ready, and names lead to them */
    CF_PARTS,
};
const char *cf_part_name(enum cf_part part); /* "hand over" */

/* Half, nine of ten, and 99 of 100 such parts are shorter. */
struct cf_span {
    int64_t p50_ms, p90_ms, p99_ms;
    int samples; /* of this very part; 0: out of specs and sizes */
};

struct cf_forecast {
    bool known; /* a pass was measured, and a restore rehearsed: all that moves data is in it */
    struct cf_span part[CF_PARTS], whole;
};

/* `reports`: of the passes there (velero/volumes.h, cf_volumes_pass_report), oldest first; "loose": looked at seldom, so
 * that its time is too long. `pods`: what
 * the writers' pods are like: [{"terminationGracePeriodSeconds", "startMs" of one pod as seen at the
 * source, or absent, "waves" that start one after the other (1)}]. `claims`: velero/volumes.h's. */
void cf_forecast_of(const json_t *reports, const json_t *pods, const json_t *claims,
                    struct cf_forecast *out);

/* Of the way back, out of what the freeze on the way there has really taken: `taken` as
 * cf_freeze_taken() has it. */
void cf_forecast_back(const json_t *taken, const json_t *pods, struct cf_forecast *out);

/* {"known", "p50Ms", "p90Ms", "p99Ms", "parts": [{"name", "p50Ms", "p90Ms", "p99Ms", "samples"}]}; parts
 * that take no time are left out. */
json_t *cf_forecast_json(const struct cf_forecast *f) CF_NODISCARD;
/* "38s, in 9 of 10 cases at most 1m, in 99 of 100 at most 2m (stop 2s, pass 9s, …)": the parts' p50. */
void cf_forecast_say(const struct cf_forecast *f, struct cf_buf *out);

/* ---- what a freeze takes ---- */

/* A clock of parts, as JSON: {"at": wall ms of the last mark, "ms": {part's name: ms so far}}. A part that is done again
 * adds up. */
json_t *cf_freeze_clock(int64_t now_ms) CF_NODISCARD;
/* The part ends now, and the next begins. New reference. */
json_t *cf_freeze_mark(const json_t *clock, enum cf_part part, int64_t now_ms) CF_NODISCARD;
/* [{"name", "ms"}] in the parts' order, with "p50Ms" and "p90Ms" where a forecast (its JSON, may be
 * NULL) has the part. New reference. */
json_t *cf_freeze_taken(const json_t *clock, const json_t *forecast) CF_NODISCARD;
/* "21s (forecast 18s to 30s; stop 2s of 2s to 5s, …)": what it took, and its p50 and p90; `freeze`: {"ms",
 * "forecast", "parts" as cf_freeze_taken() has them}. */
void cf_freeze_say(const json_t *freeze, struct cf_buf *out);

#endif
