/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a run's claims within a pass: where its writers are, what Velero is asked, how long a
 * freeze will take.
 *
 * The step `volume.sync` keeps what the room velero/ notes (its observation: {"there": {…}, "back":
 * {…}, …}) for all steps that move data. Called by the steps, the rollback and reconcile's upkeep; one
 * worker thread per pass; blocks in the cluster port only. */
#ifndef CF_ENGINE_MOVES_H
#define CF_ENGINE_MOVES_H

#include "orchestrator/engine/forecast.h"
#include "orchestrator/engine/pass.h"
#include "velero/volumes.h"

/* Between two looks in a freeze, where each that comes late is time in which nobody writes; and of what is
 * measured for its forecast, for the first minute: what would take longer is not measured worse by
 * the room's own looks. */
enum { CF_MOVES_LOOK_MS = 400, CF_MOVES_CLOSE_MS = 60000 };

/* Where the writers of the data are, by what is durable. */
enum cf_writers_at {
    CF_WRITERS_AT_SOURCE, /* traffic may go back at any time */
    CF_WRITERS_NOWHERE,   /* frozen: the source cannot serve, and is started again before traffic
                             goes back */
    CF_WRITERS_AT_TARGET, /* from the intent to start them: going back loses or moves data */
};
enum cf_writers_at cf_moves_writers(const struct cf_live *run);

/* What the freeze has stopped in the source, as rows of steps/halt.h; NULL: nothing (any more).
 * Borrowed. */
const json_t *cf_moves_stopped(const struct cf_live *run);

/* The claims and writers of the run, as step volume.sync found them (closure.h); NULL: none. */
const json_t *cf_moves_claims(const struct cf_live *run);
const json_t *cf_moves_writer_rows(const struct cf_live *run);

/* One way of the run's volumes. */
struct cf_moves {
    struct cf_volumes v; /* .state is a copy: cf_moves_keep() */
    struct cf_kube *source, *target;
    json_t *claims; /* of the way back; there they are the step's own */
    struct cf_pass *pass;
};
void cf_moves_close(struct cf_moves *m); /* for CF_CLEANUP */
/* `back`: from the target to the source, where each claim is what it was there (claim_rows.h). */
bool cf_moves_open(struct cf_pass *p, bool back, struct cf_moves *out,
                   struct cf_error *err) CF_NODISCARD;
/* Stops what is under way, and then (NULL: nothing) takes away what it made, or puts back what it set
 * aside. */
typedef bool cf_moves_then(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err);
bool cf_moves_stop(struct cf_moves *m, cf_moves_then *then, struct cf_moving *out,
                   struct cf_error *err) CF_NODISCARD;
/* After each call of the room: its state goes into the step, to be recorded. */
void cf_moves_keep(struct cf_moves *m);

/* A member of volume.sync's observation; borrowed, NULL: none. Setting takes the value. */
const json_t *cf_moves_note(const struct cf_live *run, const char *key);
/* The same where it is a number; `dflt`: there is none. */
int64_t cf_moves_number(const struct cf_live *run, const char *key, int64_t dflt);
void cf_moves_note_set_take(struct cf_live *run, const char *key, json_t *value);

/* What pass n has measured and proved so far, into the step's list of reports. */
void cf_moves_report(struct cf_moves *m, int n);

/* What has failed as often as it may gets as many attempts again: a person has mended the cause. */
void cf_moves_again(struct cf_pass *p);

/* The source has changed, and a person wants that to go along: whose data moves and who writes it is found
 * once more, and another pass made, by step volume.sync. Nothing once the writers stand still. */
bool cf_moves_find_again(struct cf_pass *p, struct cf_error *err) CF_NODISCARD;

/* Takes away all that passes and restores of both ways have made. *out DONE when it is gone, or when what
 * will not go has had its time: then `left` names it. Errors of a cluster only delay it. */
bool cf_moves_clean(struct cf_pass *p, struct cf_buf *left, struct cf_outcome *out);

/* What the room says of its progress, as the outcome: done, more, wait, hold `data`, or failed. */
bool cf_moves_progress(const struct cf_moving *moving, const char *what, struct cf_step *s,
                       struct cf_outcome *out);

/* Whether the freeze has lasted longer than the plan allows, which then says what follows: *out
 * ROLLBACK, or unchanged and said once. Always false once the target's writers are to start. */
bool cf_moves_too_long(struct cf_pass *p, struct cf_outcome *out);

/* ---- the freeze's clock ---- */

/* What a freeze would take, by all that step volume.sync keeps. */
void cf_moves_forecast(const struct cf_live *run, struct cf_forecast *out);
/* The clock of the freeze there, or of the one on the way back: begins anew; a part of it ends now. */
void cf_moves_clock(struct cf_pass *p, bool back);
void cf_moves_mark(struct cf_pass *p, bool back, enum cf_part part);
/* The freeze is over: {"from", "to", "ms", "forecastMs" (its p90), "forecast", "parts"} is noted as
 * "freeze" or "freezeBack"; borrowed. `forecast`: as told before it, or NULL. */
const json_t *cf_moves_thawed(struct cf_pass *p, bool back, int64_t from_ms,
                              const json_t *forecast);

/* ---- passes while the service runs (upkeep.c) ---- */

/* Goes on with, or begins, the pass that is due between the first passes and the freeze. What goes
 * wrong is noted for people and tried again: it never stops a run. */
void cf_moves_upkeep(struct cf_pass *p);
/* One live pass, for step `s` or, when it is NULL, in between; *out DONE when there is none under way and none was to be begun. `begin`: one more
 * than are done. */
bool cf_moves_live_pass(struct cf_pass *p, struct cf_step *s, bool begin, struct cf_outcome *out,
                        struct cf_error *err) CF_NODISCARD;

#endif
