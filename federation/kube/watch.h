/* SPDX-License-Identifier: Apache-2.0 */
/* List and watch: a collection of objects, followed for as long as the caller likes.
 *
 * A watch lists the collection page by page, then follows it from the list's resourceVersion with
 * bookmarks. It mends itself: a stream that ends is opened again from the last resourceVersion, one
 * that is silent longer than `stall_ms` is cut, an expired version (410) leads to a new list,
 * failures back off (0.2 s to 10 s, with jitter). No thread per watch.
 *
 * The callback runs on the shared watches thread, must return within about a millisecond, must not
 * block or call cf_kube_*; it should copy what it needs (json_incref: nobody changes the tree
 * afterwards) and wake somebody. The order:
 *
 *   RELIST, OBJECT…, SYNCED   the whole collection: replace what you had. A new RELIST before
 *                             SYNCED starts over; until SYNCED what you had before is still the
 *                             best there is
 *   PUT | GONE …              changes since: an object is (still) there in this form, or was
 *                             deleted
 *   ALIVE                     a bookmark: nothing changed, and the stream is alive
 *   TROUBLE                   the stream broke and will be mended; `err` says why. What you have
 *                             may be stale
 *
 * An object may be PUT again without change. Events never act; they say "look again". */
#ifndef CF_FEDERATION_KUBE_WATCH_H
#define CF_FEDERATION_KUBE_WATCH_H

#include "federation/kube/kube.h"

enum cf_watch_event_type {
    CF_WATCH_RELIST,
    CF_WATCH_OBJECT,
    CF_WATCH_SYNCED,
    CF_WATCH_PUT,
    CF_WATCH_GONE,
    CF_WATCH_ALIVE,
    CF_WATCH_TROUBLE,
};

struct cf_watch_event {
    enum cf_watch_event_type type;
    json_t *object; /* OBJECT, PUT, GONE (last known form): borrowed, with apiVersion and kind */
    const struct cf_error *err; /* TROUBLE: borrowed */
};

struct cf_watch_options {
    const char *api_version;
    const char *kind;
    const char *ns;             /* NULL or "": all namespaces */
    const char *label_selector; /* or NULL */
    const char *field_selector; /* or NULL */
    int64_t stall_ms; /* 0: CF_WATCH_STALL_MS_DEFAULT; bookmarks come about once a minute */
};

enum {
    CF_WATCH_STALL_MS_DEFAULT = 90 * 1000,
    /* We ask the server to end each stream by then (with jitter): connections rotate. */
    CF_WATCH_LIFE_S = 280,
    CF_WATCH_PAGE = 250,                 /* objects of one list page: parsed on the shared thread */
    CF_WATCH_LINE_MAX = 8 * 1024 * 1024, /* one event; longer ones lead to TROUBLE and a new list */
    CF_WATCH_BACKOFF_MS_MIN = 200,
    CF_WATCH_BACKOFF_MS_MAX = 10 * 1000,
};

typedef void cf_watch_fn(void *arg, const struct cf_watch_event *event);

struct cf_kube_watch;

/* Blocks only for discovery (by `how`); the rest happens later. Keeps a reference to the client. */
struct cf_kube_watch *cf_kube_watch_start(struct cf_kube *k, const struct cf_kube_how *how,
                                          const struct cf_watch_options *options, cf_watch_fn *fn,
                                          void *arg, struct cf_error *err) CF_NODISCARD;
/* No callback runs or will run after this returns. Not from the callback. Accepts NULL. */
void cf_kube_watch_stop(struct cf_kube_watch *w);

/* Any thread: when the watch was last known to be in step (SYNCED, PUT, GONE, ALIVE), in
 * cf_mono_now_ms() time; 0 if never. And whether a complete list has been delivered at all. */
int64_t cf_kube_watch_last_seen_ms(const struct cf_kube_watch *w);
bool cf_kube_watch_synced(const struct cf_kube_watch *w);

#endif
