/* SPDX-License-Identifier: Apache-2.0 */
/* Why a run does not move: a closed list of reasons, each with a message and what a person can do
 * about it.
 *
 * Called by: reconcile and the steps, to say it; the API and the docs, to list the reasons. Pure.
 */
#ifndef CF_ENGINE_HOLDS_H
#define CF_ENGINE_HOLDS_H

#include <stdbool.h>

#include "base/buf.h"

enum cf_hold_reason {
    CF_HOLD_NONE,
    CF_HOLD_PAUSED,    /* a person paused it */
    CF_HOLD_FROZEN,    /* an administrator froze everything */
    CF_HOLD_COMMIT,    /* commit: manual, and everything before it is done */
    CF_HOLD_PREFLIGHT, /* a check found a blocker */
    CF_HOLD_NOT_READY, /* copies are not healthy (yet) */
    CF_HOLD_UNDECIDED, /* too few requests to judge the target */
    CF_HOLD_NO_DATA,   /* metrics are missing or stale */
    CF_HOLD_BREACH,    /* a gate is broken and the plan says not to roll back by itself */
    CF_HOLD_DEADLINE,  /* the deadline has passed and the plan says not to roll back by itself */
    CF_HOLD_DRIFT,     /* somebody else changed a router */
    CF_HOLD_SOURCE_CHANGED, /* the source is no longer what was copied */
    CF_HOLD_PROBE_FAILED,   /* the target does not answer by the way the router will take */
    CF_HOLD_CONFLICT,       /* an object in the way belongs to somebody else */
    CF_HOLD_FEDERATION,  /* a control plane does not do, or no longer does, what the copies need */
    CF_HOLD_NO_WAY_BACK, /* the source could not take the traffic back */
    CF_HOLD_SOURCE_BUSY, /* the routers still send requests to the source, or nobody knows */
    CF_HOLD_DATA,        /* the data of a claim is not, or may not be, where it should be */
    CF_HOLD_PAUSE_TOO_LONG, /* the forecast of the freeze is beyond what the plan allows */
    CF_HOLD_DATA_LOSS, /* going back loses what the target's writers wrote: a person must agree */
    CF_HOLD_CLUSTER_UNREACHABLE, /* a cluster does not answer */
    CF_HOLD_STORE_LOST,          /* the database is away: forward moves freeze */
    CF_HOLD_INCARNATION,         /* the database is not the one that wrote on the routers */
    CF_HOLD_STEP_FAILED,         /* a step cannot succeed as things stand */
    CF_HOLD_REASONS
};

/* What `resume` does about it. */
enum cf_hold_way {
    CF_HOLD_BY_ITSELF, /* ends as soon as its cause is gone; resume looks at once */
    CF_HOLD_BY_PERSON, /* only an action ends it */
};

struct cf_hold_row {
    const char *name; /* "source-changed": stored, shown, filtered */
    enum cf_hold_way way;
    const char *call; /* what to do, one sentence; "" if nothing */
    const char
        *command; /* with RUN, SOURCE, TARGET for the names of run and clusters; NULL: none */
};

extern const struct cf_hold_row cf_hold_rows[CF_HOLD_REASONS];

const char *cf_hold_name(enum cf_hold_reason r); /* "" for NONE */
bool cf_hold_parse(const char *name, enum cf_hold_reason *out) CF_NODISCARD;

enum { CF_HOLD_TEXT_MAX = 900 };

/* A hold as reconcile and the steps pass it. reason NONE: there is none. */
struct cf_hold {
    enum cf_hold_reason reason;
    char message[CF_HOLD_TEXT_MAX];
};

void cf_hold_set(struct cf_hold *h, enum cf_hold_reason reason, const char *fmt, ...)
    CF_PRINTF(3, 4);

struct cf_hold_names {
    const char *run;             /* "PLAN/3" */
    const char *source, *target; /* clusters */
};
/* Appends the table's command with the names in place. */
void cf_hold_command(enum cf_hold_reason r, const struct cf_hold_names *names, struct cf_buf *out);

#endif
