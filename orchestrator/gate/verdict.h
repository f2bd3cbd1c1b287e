/* SPDX-License-Identifier: Apache-2.0 */
/* One gate of one run: its sampler, its detector, and the verdict with its reason.
 *
 *   breach     the alarm of the detector stands: roll back now
 *   pass       no alarm, and a fault of size `detect` would have been seen since the last weight change
 *   undecided  no alarm, not enough requests yet: says how many are missing and about how long that takes
 *   no-data    nothing fresh: neither good nor bad, and says what is missing
 *
 * An alarm sticks until cf_gate_reset(). Missing data never decides. One thread at a time (the gate thread). */
#ifndef CF_GATE_VERDICT_H
#define CF_GATE_VERDICT_H

#include "orchestrator/gate/detector.h"
#include "orchestrator/gate/sample.h"

enum cf_verdict { CF_VERDICT_NO_DATA, CF_VERDICT_UNDECIDED, CF_VERDICT_PASS, CF_VERDICT_BREACH };

const char *cf_verdict_name(enum cf_verdict v); /* "pass", "breach", "undecided", "no-data" */

struct cf_gate_config {
    const char *name;      /* the plan's name of the gate; copied */
    double success_min;    /* promised share of good requests, in (0, 1) */
    double detect;         /* failure rate that a pass must exclude, in (0, 1) */
    double alpha;          /* false alarms per hour, in (0, 1) */
    int64_t look_ms;       /* the plan's interval */
    uint64_t min_requests; /* an extra floor for pass */
};

struct cf_gate;

struct cf_gate *cf_gate_new(const struct cf_gate_config *config) CF_NODISCARD;
void cf_gate_free(struct cf_gate *g);

/* The router's weight has changed: what came before no longer counts for a pass. The detector goes on: its guarantee
 * holds for any sequence of weights. */
void cf_gate_weight_changed(struct cf_gate *g, int64_t wall_ms);

/* One look with what the source gave. A reading that failed, and a source that failed (reading NULL, why in `why`), leave the counts alone
 * and are remembered as the reason of no-data. */
void cf_gate_look(struct cf_gate *g, const struct cf_reading *reading, const struct cf_error *why,
                  int64_t now_wall_ms);

/* Forgets everything but the configuration (a person resumed after a breach). */
void cf_gate_reset(struct cf_gate *g, int64_t now_wall_ms);

enum { CF_JUDGEMENT_TEXT = 512 };
struct cf_judgement {
    enum cf_verdict verdict;
    uint64_t n, k;      /* since the last weight change */
    double value;       /* share of good requests since the last weight change; NaN when n = 0 */
    double upper;       /* 99 % upper bound of the failure rate; 1 when n = 0 */
    double evidence;    /* of the detector: 1 is the alarm */
    uint64_t missing;   /* requests still needed for a pass; 0 when it passes */
    int64_t missing_ms; /* about how long that takes at the present rate; -1: no rate yet */
    int64_t newest_ms;  /* wall time of the newest scrape, 0: none */
    /* wall time of the first look with failures of the present series of failures; 0: none */
    int64_t first_bad_ms;
    int64_t alarm_ms;             /* wall time at which the alarm was raised; 0: no alarm */
    char text[CF_JUDGEMENT_TEXT]; /* one sentence for people */
};
void cf_gate_judge(const struct cf_gate *g, int64_t now_wall_ms, struct cf_judgement *out);

/* What survives a restart: detector sums, counts, times. The sampler starts anew: its first reading is a baseline. */
json_t *cf_gate_checkpoint(const struct cf_gate *g) CF_NODISCARD;
/* INVALID when the checkpoint is of another configuration: then the gate starts fresh. */
bool cf_gate_restore(struct cf_gate *g, const json_t *checkpoint,
                     struct cf_error *err) CF_NODISCARD;

#endif
