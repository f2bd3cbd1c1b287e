/* SPDX-License-Identifier: Apache-2.0 */
/* The API server of one simulated cluster, without sockets: a call goes in, a status and a JSON
 * body come out.
 *
 * Used by the HTTP binding (api/http.c), by the controllers and by the data plane. One lock guards
 * all of a cluster, so that every call is atomic; objects that have been stored are never changed
 * again, only replaced, so readers keep references without a lock. Any thread. */
#ifndef DEPLOY_SANDBOX_API_API_H
#define DEPLOY_SANDBOX_API_API_H

#include "base/json.h"

/* How the User-Agent of our programs begins: what is stopped (stops.h) and counted is theirs. */
#define SBX_OURS "crossfade"

struct sbx_api;

/* A cluster with the namespaces default, kube-system, kube-public, kube-node-lease and a node. */
struct sbx_api *sbx_api_new(const char *cluster);
/* A federation's control plane: the kinds of Karmada too, no node, no classes. */
struct sbx_api *sbx_api_new_control_plane(const char *name);
/* The hub of Clusternet: its kinds too, and no node, no classes either. */
struct sbx_api *sbx_api_new_hub(const char *name);
void sbx_api_free(struct sbx_api *api); /* accepts NULL; no call may run, no watch may be open */
const char *sbx_api_cluster(const struct sbx_api *api);

enum sbx_rights { SBX_RIGHTS_NONE, SBX_RIGHTS_READ, SBX_RIGHTS_FULL };
/* Another bearer token; `user` is whom it stands for. Before the first call. */
void sbx_api_token(struct sbx_api *api, const char *token, const char *user,
                   enum sbx_rights rights);

struct sbx_call {
    const char *method;
    const char *target;        /* path and query, as sent */
    const char *content_type;  /* NULL: application/json */
    const char *accept;        /* NULL: anything */
    const char *authorization; /* the header; ignored for `trusted` callers */
    const char *user_agent;
    const char *body;
    size_t body_len;
    bool trusted; /* our own controllers: full rights, without a token */
};

struct sbx_answer {
    int status;
    json_t *body;       /* or NULL: then `text` */
    char *text;         /* text/plain */
    const char *allow;  /* the Allow header of 405, or NULL */
    char *warning;      /* text of a Warning header, or NULL */
    bool is_watch;      /* status 200 without a body: events follow, to the sink */
    int64_t timeout_ms; /* of the watch */
};
void sbx_answer_free(struct sbx_answer *a);

/* Where a watch's events go. `line` is one JSON text and its newline. Called with the cluster's
 * lock held: only queue it. False: no more, please. */
struct sbx_watch;
typedef bool sbx_watch_sink(void *user, const char *line, size_t len);

/* Answers the call. For a watch that can be served `*out_watch` is set and events go to `sink` from
 * within this call on; with a NULL sink watches are refused (400). The answer is the caller's to
 * free. */
void sbx_api_call(struct sbx_api *api, const struct sbx_call *call, sbx_watch_sink *sink,
                  void *user, struct sbx_watch **out_watch, struct sbx_answer *out);
/* No event is handed out after it returned. Accepts NULL. */
void sbx_watch_close(struct sbx_api *api, struct sbx_watch *watch);

/* ---- For our own side ---- */

/* A trusted call with a JSON body (may be NULL; borrowed) as that field manager. Returns the
 * status; *out (may be NULL) is the body. */
int sbx_api_do(struct sbx_api *api, const char *manager, const char *method,
               const char *content_type, const json_t *body, json_t **out, const char *target_fmt,
               ...) CF_PRINTF(7, 8);
/* All objects of a kind (of a namespace, or NULL for all): a new array of shared, read-only
 * objects. */
json_t *sbx_api_all(struct sbx_api *api, const char *group, const char *plural, const char *ns);
/* The same of all namespaces; NULL when nothing of that kind has changed since *io_rv (-1: never read), which
 * is the version of what is returned. */
json_t *sbx_api_all_since(struct sbx_api *api, const char *group, const char *plural,
                          int64_t *io_rv);
json_t *sbx_api_one(struct sbx_api *api, const char *group, const char *plural, const char *ns,
                    const char *name); /* new reference, or NULL */
/* Called after each change, with the lock held: only signal. One listener per slot 0..3; NULL
 * removes it. */
enum { SBX_LISTENERS_MAX = 4 };
void sbx_api_on_change(struct sbx_api *api, int slot, void (*fn)(void *user), void *user);
int64_t sbx_api_version(struct sbx_api *api); /* the newest resourceVersion */
/* Tells every watch that asked for bookmarks where it stands. Called now and then by the
 * controllers' thread. */
void sbx_api_bookmarks(struct sbx_api *api);
/* Forgets the history: watches from older versions are answered 410. */
void sbx_api_compact(struct sbx_api *api);
/* Forgets every object that is not part of a fresh cluster. */
void sbx_api_wipe(struct sbx_api *api);
/* Kinds it no longer serves, and those that no token may write: "group/plural,…"; NULL: none. */
void sbx_api_hide(struct sbx_api *api, const char *kinds);
void sbx_api_deny(struct sbx_api *api, const char *kinds);
/* The kinds of Velero and of volumes' snapshots, but those that this version of it lacks:
 * "group/plural,…" or NULL. */
void sbx_api_install(struct sbx_api *api, const char *lacking);
bool sbx_api_serves(struct sbx_api *api, const char *group, const char *plural);
/* How often programs called "crossfade" have asked for what, since the start or since it was last
 * forgotten: {"list pods": n, "patch deployments/scale": n}; new reference. */
json_t *sbx_api_asked(struct sbx_api *api) CF_NODISCARD;
void sbx_api_asked_forget(struct sbx_api *api);
/* Its clock is so much ahead of the machine's. */
void sbx_api_skew(struct sbx_api *api, int64_t ms);
int64_t sbx_api_skew_ms(const struct sbx_api *api);
/* Who asks with that Authorization header: the rights, and *out_user (borrowed as long as `api`).
 */
enum sbx_rights sbx_api_who(struct sbx_api *api, const char *authorization, const char **out_user);

/* A write under way, as an admission webhook sees it. */
struct sbx_review {
    const char *operation; /* "CREATE", "UPDATE", "DELETE" */
    const char *group, *plural;
    const char *sub;    /* "status" …, or "" */
    bool trusted;       /* by our own side */
    json_t *obj;        /* as it will be stored, and may be changed; NULL for DELETE */
    const json_t *live; /* what is stored now; NULL for CREATE */
};
/* False: refused, `out` has the answer. Called with the lock held: it calls no API. */
typedef bool sbx_reviewer(void *user, const struct sbx_review *review, struct sbx_answer *out);
void sbx_api_on_write(struct sbx_api *api, sbx_reviewer *fn, void *user);
/* Answers a call in the server's place, without its lock; false: none of its business. */
typedef bool sbx_front(void *user, const struct sbx_call *call, struct sbx_answer *out);
void sbx_api_on_call(struct sbx_api *api, sbx_front *fn, void *user);

#endif
