/* SPDX-License-Identifier: Apache-2.0 */
/* What the phases of Velero's objects mean to us, how long each may last without progress, and what
 * is to be done when it does: one table. Pure; any thread.
 *
 * A phase that the table does not know (a newer Velero) is running, and bounded like the others; it is
 * never an end, neither good nor bad. */
#ifndef CF_VELERO_PHASES_H
#define CF_VELERO_PHASES_H

#include "base/json.h"

enum cf_phase_class {
    CF_PHASE_WAITS,   /* accepted by nobody yet */
    CF_PHASE_MOVES,   /* work is going on */
    CF_PHASE_GOOD,    /* ended well, as far as the phase says */
    CF_PHASE_PARTIAL, /* ended with errors */
    CF_PHASE_BAD,     /* ended, and useless */
    CF_PHASE_REFUSED, /* never begun: validation */
    CF_PHASE_GOING,   /* is being deleted */
    CF_PHASE_UNKNOWN,
};

struct cf_phase_rule {
    const char *kind, *phase; /* phase "*": any other */
    enum cf_phase_class class;
    int64_t quiet_ms; /* longer without progress is stuck; 0: an end */
    const char *hint; /* what to do then */
};

/* Ends with a row without a kind; for the tests. */
extern const struct cf_phase_rule cf_phase_rules[];
/* Never NULL for the kinds that the table has. */
const struct cf_phase_rule *cf_phase_rule(const char *kind, const char *phase);
const struct cf_phase_rule *cf_phase_of(const json_t *object);
bool cf_phase_is_end(const struct cf_phase_rule *r);

/* What is to be made of a Backup or Restore together with the evidence of its claims. */
enum cf_verdict {
    CF_VERDICT_RUNS,
    CF_VERDICT_GOOD,
    CF_VERDICT_AGAIN, /* another attempt, under another name */
    CF_VERDICT_NEVER, /* another attempt would end the same way */
};
enum { CF_VERDICT_WHY_MAX = 512 };

/* A Restore whose items are all made: what it still does, for 20 seconds where a DataDownload was, is
 * put labels and reclaim policies on volumes. With the evidence of every claim it is good. */
bool cf_velero_only_finalizes(const json_t *object);

/* `object` NULL: it has been deleted. `rows`: the evidence (evidence.h), all of it ok or not. */
enum cf_verdict cf_velero_verdict(const json_t *object, const json_t *rows, char *why);
/* What changes when there is progress: phases, items, bytes. 65 bytes (CF_SHA256_HEX). */
char *cf_velero_fingerprint(const json_t *object, const json_t *operations, char *buf);
/* The rule of whoever is the first to keep everybody waiting: of the operations, or else of the
 * object itself. *out_of: the object that it is about (borrowed). */
const struct cf_phase_rule *cf_velero_slowest(const json_t *object, const json_t *operations,
                                              const json_t **out_of);

#endif
