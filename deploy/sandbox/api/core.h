/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the API server: objects, history and watches of one cluster, and the request under way.
 *
 * Everything here is called with the cluster's lock held. */
#ifndef DEPLOY_SANDBOX_API_CORE_H
#define DEPLOY_SANDBOX_API_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "deploy/sandbox/api/api.h"
#include "deploy/sandbox/api/path.h"
#include "deploy/sandbox/api/select.h"
#include "deploy/sandbox/api/status.h"

enum {
    SBX_KINDS_MAX = 80,     /* rows of the table */
    SBX_HISTORY_MAX = 4096, /* events kept for watches; older versions are answered 410 */
    SBX_SNAPSHOTS_MAX = 32, /* unfinished paged lists; older continue tokens are answered 410 */
    SBX_TOKENS_MAX = 8,
    SBX_ASKED_MAX = 1000,             /* sorts of requests that are counted; the kinds have fewer */
    SBX_OBJECT_MAX = 3 * 1024 * 1024, /* bytes of a request's body, as a real server */
};

struct sbx_entry {
    char *key;   /* "namespace/name" */
    json_t *obj; /* never changed in place */
};

struct sbx_table {
    struct sbx_entry *entries; /* sorted by key */
    size_t count, cap;
    int64_t rv; /* of the last change of any; 0: there was none */
};

struct sbx_change {
    int64_t rv;
    const char *type; /* "ADDED", "MODIFIED", "DELETED" */
    const struct sbx_kind *kind;
    json_t *obj, *before; /* before: NULL for ADDED */
};

struct sbx_snapshot {
    char id[17]; /* "" : free */
    const struct sbx_kind *kind;
    int64_t rv;
    json_t *items;
    size_t next;
};

struct sbx_watch {
    struct sbx_watch *next;
    const struct sbx_kind *kind;
    char *version; /* of the API group, as asked for */
    char *ns;      /* NULL: all */
    struct sbx_select select;
    bool bookmarks, done;
    int64_t noted_rv; /* of the last event or bookmark */
    sbx_watch_sink *sink;
    void *user;
};

struct sbx_api {
    pthread_mutex_t lock; /* guards all that follows */
    char *cluster;
    int64_t rv, compacted; /* versions up to `compacted` are out of the history */
    struct sbx_table tables[SBX_KINDS_MAX];
    struct sbx_change history[SBX_HISTORY_MAX];
    size_t first, changes; /* a ring */
    struct sbx_snapshot snapshots[SBX_SNAPSHOTS_MAX];
    int snapshot_next;
    struct sbx_watch *watches;
    struct {
        char *token, *user;
        enum sbx_rights rights;
    } tokens[SBX_TOKENS_MAX];
    int token_count;
    struct {
        void (*fn)(void *user);
        void *user;
    } listeners[SBX_LISTENERS_MAX];
    int next_ip; /* of Services */
    int next_node_port;
    enum sbx_plane plane;
    enum sbx_addon addon;
    char *hidden, *denied; /* kinds: sbx_api_hide(), sbx_api_deny() */
    char *lacking;         /* kinds: sbx_api_install() */
    json_t *asked;         /* {"get pods": how often}: sbx_api_asked() */
    sbx_reviewer *reviewer;
    sbx_front *front;
    void *reviewer_user, *front_user;
    atomic_llong skew_ms; /* not guarded */
};

/* A request under way. */
struct sbx_request {
    struct sbx_api *api;
    const struct sbx_call *call;
    struct sbx_path path;
    const struct sbx_kind *kind; /* path.kind */
    const char *ns;              /* "" for cluster scope */
    const char *user;
    enum sbx_rights rights;
    char manager[129];
    bool dry_run;
    json_t *options; /* DeleteOptions of the body, or NULL */
    struct sbx_answer *out;
};

/* With the lock held. */
static inline struct sbx_served sbx_served_by(const struct sbx_api *api)
{
    return (struct sbx_served){ api->plane, api->addon, api->hidden, api->lacking };
}
/* What the webhooks in front of the store say of a write; false: the answer is set. */
bool sbx_reviewed(struct sbx_request *r, const char *operation, json_t *obj, const json_t *live);
/* Now by the server's own clock, as metadata has it: buf of CF_TIME_TEXT_MAX bytes. */
char *sbx_now(const struct sbx_api *api, int64_t ahead_ms, char *buf);

/* ---- store.c ---- */
json_t *sbx_get(struct sbx_api *api, const struct sbx_kind *k, const char *ns,
                const char *name); /* borrowed, or NULL */
struct sbx_table *sbx_table_of(struct sbx_api *api, const struct sbx_kind *k);
/* Stores it under a new version (written into it) and tells the watches; takes the reference.
 * Returns it borrowed. */
json_t *sbx_put_take(struct sbx_api *api, const struct sbx_kind *k, json_t *obj);
void sbx_remove(struct sbx_api *api, const struct sbx_kind *k, const char *ns, const char *name);
const struct sbx_change *sbx_history_at(const struct sbx_api *api, size_t i); /* oldest first */
/* The object as that API version shows it; new reference. `bare`: without apiVersion and kind, as
 * in lists of built-in kinds. */
json_t *sbx_shown(const struct sbx_kind *k, const char *version, const json_t *obj, bool bare);
/* One event to one watch, if it is its business. */
void sbx_watch_tell(struct sbx_watch *w, const char *type, const struct sbx_kind *k, json_t *obj,
                    json_t *before);
void sbx_watch_free(struct sbx_watch *w);

/* ---- the verbs ---- */
void sbx_verb_get(struct sbx_request *r);
void sbx_verb_list(struct sbx_request *r);
struct sbx_watch *sbx_verb_watch(struct sbx_request *r, sbx_watch_sink *sink, void *user);
void sbx_verb_create(struct sbx_request *r);
void sbx_verb_update(struct sbx_request *r);
void sbx_verb_patch(struct sbx_request *r);
void sbx_verb_delete(struct sbx_request *r);
void sbx_verb_delete_collection(struct sbx_request *r);
void sbx_verb_access_review(struct sbx_request *r);
void sbx_verb_scale(struct sbx_request *r);

/* ---- shared by the verbs that write ---- */
/* False: the answer (404 or 403) is set. */
bool sbx_namespace_open(struct sbx_request *r);
/* Reads the body as an object of the request's kind; false: 400 or 415 is set. New reference. */
bool sbx_read_object(struct sbx_request *r, json_t **out);
/* Stores a new object (already complete in its parts from the client) after defaults and checks;
 * the answer is set. Takes `obj`. */
void sbx_finish_create(struct sbx_request *r, json_t *obj, const char *operation, json_t *managed);
/* Stores `obj` in place of `live`; the answer is set. Takes `obj`. `managed`: the list of managers,
 * or NULL to work it out. */
void sbx_finish_update(struct sbx_request *r, json_t *live, json_t *obj, json_t *managed);
void sbx_apply(struct sbx_request *r, json_t *live);
void sbx_answer_object(struct sbx_request *r, int status, const json_t *obj);

#endif
