/* SPDX-License-Identifier: Apache-2.0 */
/* The marks a run leaves on a router object while it steers it: who steers, under which epoch,
 * whether going back is safe, and how a person goes back without us.
 *
 * One table of keys. An object with several routes may serve several runs at once (one per route),
 * so the keys carry the route's slot as a suffix ("crossfade.dev/run.checkout"); an object with a
 * single route uses the bare keys. Pure functions on JSON trees; any thread. */
#ifndef CF_LB_ANNOTATIONS_H
#define CF_LB_ANNOTATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/* Order is the order of writing. */
enum cf_mark {
    CF_MARK_RUN,         /* uuid of the run */
    CF_MARK_EPOCH,       /* decimal; never falls */
    CF_MARK_INCARNATION, /* uuid of the store the epoch is from */
    CF_MARK_ARM,         /* nonce: going back is safe, in this very situation; "" when it is not */
    CF_MARK_SEQ,         /* nonce: new with every write of ours */
    CF_MARK_WANT,        /* weight this write asked for, decimal percent */
    CF_MARK_RESTORE,   /* JSON Patch that sends the traffic back, for kubectl; "" while not armed */
    CF_MARK_EMERGENCY, /* "" or why the traffic was sent back; sticky */
    CF_MARKS
};

enum {
    CF_NONCE_TEXT = 33,   /* 32 hex characters and NUL */
    CF_MARK_KEY_MAX = 96, /* prefix, name, dot, slot */
    CF_SLOT_MAX = 41,     /* an annotation's name part has at most 63 characters */
};

/* "crossfade.dev/seq" or "crossfade.dev/seq.<slot>" into buf of CF_MARK_KEY_MAX; returns buf. */
char *cf_mark_key(enum cf_mark mark, const char *slot, char *buf);

/* A route's slot: its name when that can be part of a key, else "x-" and 8 hex of its SHA-256; ""
 * stays "". */
char *cf_mark_slot(const char *route_name, char buf[CF_SLOT_MAX]);

/* What the object says now. Absent marks are "" / 0; texts that do not fit count as absent. */
struct cf_marks {
    bool present; /* a run mark exists for this slot */
    char run[64];
    char incarnation[64];
    int64_t epoch;
    char arm[64];
    char seq[64];
    int want; /* -1: absent or not a number */
    char emergency[128];
};

void cf_marks_read(const json_t *object, const char *slot, struct cf_marks *out);

/* Whether another run than `run` ("" = any) holds the slot, or the whole object, by its marks; its
 * uuid into out_run. */
bool cf_marks_other_run(const json_t *object, const char *slot, const char *run, char *out_run,
                        size_t size);

/* 32 random hex characters. Returns buf. */
char *cf_nonce(char buf[CF_NONCE_TEXT]);

#endif
