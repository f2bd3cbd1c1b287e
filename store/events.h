/* SPDX-License-Identifier: Apache-2.0 */
/* Events: the append-only record of everything decided, done or seen. The live stream, the audit
 * and the reports are readers of it.
 *
 * A run's events are numbered 1, 2, 3 … without a gap (`seq`), written only by the statement that
 * changes the run (runs.h), fenced. Events of no run (plan applied, cluster added, token created,
 * refused requests) have no seq and an empty run id.
 *
 * The public id of an event is one positive decimal number: (id of the writing transaction) * 4096
 * + (place within it). It grows in an order in which readers never miss anything: an event can be
 * read only when every transaction with a lower id has ended, so that nothing will ever appear
 * *before* something already read. Within a run, ids grow as seq grows. Ids are unique, are not
 * consecutive, stay below 2^53, and mean the same on every replica; Last-Event-ID and ?after= take
 * one. Reading after id X yields exactly the readable events with greater ids. A whole-server
 * consequence: a writing transaction that stays open, of anybody in the same PostgreSQL server,
 * delays (never loses) later events for the stream; runs do not depend on the stream. */
#ifndef CF_STORE_EVENTS_H
#define CF_STORE_EVENTS_H

#include "store/store.h"

enum {
    /* Bytes of JSON; more is a LIMIT error: large things have tables of their own. */
    CF_EVENT_BODY_MAX = 256 * 1024,
    CF_EVENTS_PER_RECORD = 64, /* in one statement; the public id has room for 4096 */
    CF_EVENT_ID_TEXT = 24,
};

/* An event to be written. kind: dotted words, "run.weight.changed"; step: number, or -1. body may
 * be NULL. actor: who caused it, NULL for us. */
struct cf_event_new {
    const char *kind;
    int step;
    const char *actor;
    const json_t *body;
};

struct cf_event_row {
    int64_t id;
    char run_id[CF_UUID_TEXT]; /* "" if it is about no run */
    char *run_name;            /* "PLAN/3", or "" */
    char *subject; /* what it is about: "run/PLAN/3", "plan/NAME", "cluster/NAME", "token/ID" … */
    int64_t seq;   /* of the run; 0 if none */
    int64_t epoch; /* of the writer's fence; 0 if none */
    int step;      /* -1 if none */
    char *kind;
    char *actor; /* "" for the service itself */
    int64_t at_ms;
    json_t *body; /* always an object */
};
struct cf_event_list {
    struct cf_event_row *rows;
    size_t n;
    bool more;
    int64_t next; /* pass as `after` of the next call: nothing is missed or repeated, also when rows
                     were filtered away */
    bool resync;  /* events after the given id have been pruned: the reader must fetch the state
                     anew, then go on from `next` */
};
void cf_event_list_free(struct cf_event_list *list); /* for CF_CLEANUP; zeroed before first use */

/* NULL or "" : no such condition. */
struct cf_event_filter {
    const char *run_id;
    const char *kind_prefix; /* "run." */
    const char *subject;
    const char *plan; /* about it or any of its runs */
};

/* Readable events with id > after, ascending; at most `limit`. after = 0: from the oldest kept
 * (never `resync`). */
bool cf_events_after(struct cf_store *store, int64_t after, const struct cf_event_filter *filter,
                     int limit, struct cf_event_list *out, struct cf_error *err) CF_NODISCARD;

/* The newest events of the filter (readable or not yet by the stream), in ascending order: for
 * reports and `run events`. */
bool cf_events_last(struct cf_store *store, const struct cf_event_filter *filter, int limit,
                    struct cf_event_list *out, struct cf_error *err) CF_NODISCARD;

/* An id such that every readable event is at or below it and every later one above: where "from now
 * on" starts. */
bool cf_events_horizon(struct cf_store *store, int64_t *out_id, struct cf_error *err) CF_NODISCARD;

/* An event of no run, on its own: denials, signs of life. Effects write theirs themselves, in their
 * own transaction. */
bool cf_event_append(struct cf_store *store, const char *kind, const char *subject,
                     const char *actor, const json_t *body, struct cf_error *err) CF_NODISCARD;

/* Decimal text into buf of CF_EVENT_ID_TEXT bytes; returns buf. */
char *cf_event_id_text(int64_t id, char *buf);
/* INVALID unless it is a decimal number from 0 to 2^53. */
bool cf_event_id_parse(const char *text, int64_t *out_id, struct cf_error *err) CF_NODISCARD;

#endif
