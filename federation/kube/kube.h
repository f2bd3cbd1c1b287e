/* SPDX-License-Identifier: Apache-2.0 */
/* The client of one cluster's API server.
 *
 * Objects are jansson trees that keep every field, known or not. `struct cf_kube` is cheap,
 * counted, and may be used by many threads at once; its only way out is the port `struct
 * cf_kube_ops`, which is the wire (cf_kube_open) or something that plays an API server (sandbox,
 * simulator, tests). All functions but the watch's block, by `how->timeout_ms` at most, and never
 * on a transport's own thread.
 *
 * Errors: the server's Status becomes the error: kind (table in status.h), upstream = HTTP status,
 * reason = Status.reason, field = the first cause's field, message with all causes, retry_after_ms.
 * A write without an answer is CF_ERR_UNKNOWN: read back. Messages do not name the cluster: callers
 * wrap with what they were doing.
 *
 * Nothing here retries an answer of the server (429, 5xx) but a read's expired credential (401,
 * once); callers decide. */
#ifndef CF_FEDERATION_KUBE_KUBE_H
#define CF_FEDERATION_KUBE_KUBE_H

#include "base/json.h"
#include "base/transport.h"
#include "federation/kube/kubeconfig.h"
#include "federation/kube/ref.h"

#define CF_KUBE_FIELD_MANAGER "crossfade"

enum {
    CF_KUBE_TIMEOUT_MS_DEFAULT = 10000,
    CF_KUBE_LIST_PAGE_DEFAULT = 500,
    CF_KUBE_LIST_ITEMS_MAX = 50000,             /* of one cf_kube_list; beyond: LIMIT */
    CF_KUBE_OBJECT_BYTES_MAX = 8 * 1024 * 1024, /* etcd takes 1.5 MiB; as JSON it is more */
    CF_KUBE_PAGE_BYTES_MAX = 64 * 1024 * 1024,  /* one page of a list */
    CF_KUBE_AT_ONCE_DEFAULT = 32,               /* calls under way in one cluster */
    /* Against a mistake of ours, not for the server's sake: API servers queue and refuse (429) by
     * themselves, and say when to come again. */
    CF_KUBE_CALLS_PER_S_DEFAULT = 2000,
    CF_KUBE_UID_TEXT = 64,
    CF_KUBE_VERSION_TEXT = 64,
    CF_KUBE_RV_TEXT = 64, /* a resourceVersion: opaque, in practice a decimal */
};

/* --- the port --- */

struct cf_kube_request {
    const char *method;       /* "GET" … */
    const char *path;         /* escaped, with query: "/api/v1/namespaces/web/pods/a?dryRun=All" */
    const char *content_type; /* of the body, or NULL */
    const char *accept;       /* NULL: application/json */
    const char *body;
    size_t body_len;
    int64_t timeout_ms;
    size_t response_max;
    const struct cf_cancel *cancel;
    bool is_read; /* also a review by POST: may be sent again */
    bool fresh_connection;
    bool urgent; /* the rollback lane: a transport of its own, no limits */
};

struct cf_kube_response {
    int status;      /* of any kind: the port does not judge */
    int64_t date_ms; /* Date header, wall ms, or 0 */
    int64_t retry_after_ms;
    struct cf_buf body;
};
void cf_kube_response_free(struct cf_kube_response *r); /* for CF_CLEANUP */

struct cf_kube_stream; /* the implementation's */

/* On the port's own thread, one at a time, never inside stream_open; as in base/transport.h. */
struct cf_kube_stream_events {
    bool (*on_start)(void *arg, int status, int64_t retry_after_ms);
    bool (*on_chunk)(void *arg, const void *data, size_t len);
    void (*on_end)(void *arg, const struct cf_error *why);
    void *arg;
};

struct cf_kube_ops {
    /* One request, one answer. False only if there is no answer (kinds as in base/transport.h). */
    bool (*call)(void *self, const struct cf_kube_request *request, struct cf_kube_response *out,
                 struct cf_error *err);
    /* A GET whose body comes in pieces; starts after delay_ms, ends with TRANSIENT "Stalled" after
     * stall_ms of silence. NULL: this port cannot watch. */
    struct cf_kube_stream *(*stream_open)(void *self, const struct cf_kube_request *request,
                                          int64_t delay_ms, int64_t stall_ms,
                                          const struct cf_kube_stream_events *events,
                                          struct cf_error *err);
    /* No callback of it after this has returned (unless called from one of them). Exactly once per
     * stream. */
    void (*stream_close)(void *self, struct cf_kube_stream *stream);
    /* NULL, or called when the last reference to the client goes. */
    void (*free)(void *self);
};

/* --- clients --- */

/* The threads that all clients of the process share: the transports calls, watches and responders,
 * and one thread that keeps credentials fresh (token files, exec plugins) ahead of time, so that no
 * request waits for them. */
struct cf_kube_net;
struct cf_kube_net *cf_kube_net_new(struct cf_error *err) CF_NODISCARD;
/* All clients must be gone. Accepts NULL. */
void cf_kube_net_free(struct cf_kube_net *net);
/* For others who need plain HTTP (metrics sources, smoke probes); borrowed. */
struct cf_transport *cf_kube_net_calls(struct cf_kube_net *net);

struct cf_kube;

struct cf_kube_options {
    const char *name;  /* our name of the cluster: set in refs we return, shown in texts; copied */
    int max_in_flight; /* calls at once; 0: CF_KUBE_AT_ONCE_DEFAULT */
    double rate_per_s; /* 0: CF_KUBE_CALLS_PER_S_DEFAULT */
    int burst;         /* 0: one second's worth */
};

/* The wire. Does not connect; the first call does. `credentials` is shared. */
struct cf_kube *cf_kube_open(struct cf_kube_net *net, struct cf_kube_credentials *credentials,
                             const struct cf_kube_options *options,
                             struct cf_error *err) CF_NODISCARD;
/* Anything that implements the port. */
struct cf_kube *cf_kube_new(const char *name, const struct cf_kube_ops *ops,
                            void *self) CF_NODISCARD;
struct cf_kube *cf_kube_ref(struct cf_kube *k) CF_NODISCARD;
void cf_kube_unref(struct cf_kube *k);    /* accepts NULL. All its watches must be stopped */
void cf_kube_unref_p(struct cf_kube **k); /* for CF_CLEANUP */
const char *cf_kube_name(const struct cf_kube *k);

/* How to make a call; NULL anywhere means all defaults. */
struct cf_kube_how {
    int64_t timeout_ms; /* of the whole function with all pages; 0: CF_KUBE_TIMEOUT_MS_DEFAULT */
    const struct cf_cancel *cancel; /* may be NULL */
    bool fresh_connection;          /* race a second attempt */
    bool urgent;                    /* the rollback lane */
};

/* --- reading --- */

/* New reference. `subresource` ("scale", "status") or NULL. */
bool cf_kube_get(struct cf_kube *k, const struct cf_kube_how *how, const struct cf_object_ref *ref,
                 json_t **out, struct cf_error *err) CF_NODISCARD;
bool cf_kube_get_subresource(struct cf_kube *k, const struct cf_kube_how *how,
                             const struct cf_object_ref *ref, const char *subresource, json_t **out,
                             struct cf_error *err) CF_NODISCARD;
/* Whether it is there; *out_object may be NULL when not wanted, and is set to NULL when it is
 * absent. */
bool cf_kube_find(struct cf_kube *k, const struct cf_kube_how *how, const struct cf_object_ref *ref,
                  bool *out_found, json_t **out_object, struct cf_error *err) CF_NODISCARD;

struct cf_kube_list {
    const char *api_version; /* "apps/v1" */
    const char *kind;
    const char *ns;             /* NULL or "": all namespaces, or a kind without namespaces */
    const char *label_selector; /* or NULL */
    const char *field_selector; /* or NULL */
    int page;                   /* objects per page; 0: CF_KUBE_LIST_PAGE_DEFAULT */
    size_t max_items;           /* 0: CF_KUBE_LIST_ITEMS_MAX; beyond: LIMIT */
    /* NULL, or called with each object as its page arrives, to take away what the caller will not
     * need: what stays is what a long list costs in memory. */
    void (*trim)(json_t *object);
};
/* All objects as one array, each with apiVersion and kind filled in (lists leave them out). Pages
 * are followed; when the list expires under way (410) it starts again, three times at most.
 * `out_rv` (CF_KUBE_RV_TEXT bytes) may be NULL. */
bool cf_kube_list(struct cf_kube *k, const struct cf_kube_how *how, const struct cf_kube_list *what,
                  json_t **out_items, char *out_rv, struct cf_error *err) CF_NODISCARD;

/* --- writing --- */

/* NULL anywhere means all defaults. */
struct cf_kube_write {
    const char *subresource;   /* "status", "scale", or NULL */
    const char *field_manager; /* NULL: CF_KUBE_FIELD_MANAGER */
    bool dry_run;              /* dryRun=All: admission and validation, nothing stored */
    bool strict;               /* fieldValidation=Strict: unknown and duplicate fields are errors */
    bool force;                /* apply only: take over fields of other managers */
};
/* `*out` is the object as the server answered (new reference); `out` may be NULL. Objects name
 * themselves (apiVersion, kind, metadata). */
bool cf_kube_create(struct cf_kube *k, const struct cf_kube_how *how, const json_t *object,
                    const struct cf_kube_write *write, json_t **out,
                    struct cf_error *err) CF_NODISCARD;
/* PUT: with metadata.resourceVersion only if nobody was faster (CONFLICT). */
bool cf_kube_replace(struct cf_kube *k, const struct cf_kube_how *how, const json_t *object,
                     const struct cf_kube_write *write, json_t **out,
                     struct cf_error *err) CF_NODISCARD;
/* Server-side apply. CONFLICT (reason "Conflict") names the other managers. */
bool cf_kube_apply(struct cf_kube *k, const struct cf_kube_how *how, const json_t *object,
                   const struct cf_kube_write *write, json_t **out,
                   struct cf_error *err) CF_NODISCARD;
/* RFC 6902. A failed `test` is INVALID with reason "Invalid" and upstream 422. */
bool cf_kube_json_patch(struct cf_kube *k, const struct cf_kube_how *how,
                        const struct cf_object_ref *ref, const json_t *patch,
                        const struct cf_kube_write *write, json_t **out,
                        struct cf_error *err) CF_NODISCARD;
/* The same with a body rendered before (the rollback lane). */
bool cf_kube_json_patch_text(struct cf_kube *k, const struct cf_kube_how *how,
                             const struct cf_object_ref *ref, const char *patch, size_t patch_len,
                             const struct cf_kube_write *write, json_t **out,
                             struct cf_error *err) CF_NODISCARD;
/* RFC 7396. */
bool cf_kube_merge_patch(struct cf_kube *k, const struct cf_kube_how *how,
                         const struct cf_object_ref *ref, const json_t *patch,
                         const struct cf_kube_write *write, json_t **out,
                         struct cf_error *err) CF_NODISCARD;

struct cf_kube_delete {
    const char *uid;              /* precondition, or NULL; another uid: CONFLICT */
    const char *resource_version; /* precondition, or NULL */
    const char *propagation;      /* "Background", "Foreground", "Orphan"; NULL: Background */
    int64_t grace_s;              /* -1: the kind's default (0 kills at once) */
    bool dry_run;
};
#define CF_KUBE_DELETE_INIT ((struct cf_kube_delete){ .grace_s = -1 })
/* `options` NULL = CF_KUBE_DELETE_INIT. NOT_FOUND if it is gone already. Finalizers may keep it for
 * a while. */
bool cf_kube_delete(struct cf_kube *k, const struct cf_kube_how *how,
                    const struct cf_object_ref *ref, const struct cf_kube_delete *options,
                    struct cf_error *err) CF_NODISCARD;

/* Any request on any path; the body is parsed (NULL if empty) and a Status of failure becomes the
 * error. `content_type` and `body` may be NULL. */
bool cf_kube_raw(struct cf_kube *k, const struct cf_kube_how *how, const char *method,
                 const char *path, const char *content_type, const json_t *body, json_t **out,
                 struct cf_error *err) CF_NODISCARD;

/* A GET whose answer is text and no JSON (a container's log), into `out`, whose max bounds it (beyond:
 * LIMIT; ask for less in the path). Appends. */
bool cf_kube_text(struct cf_kube *k, const struct cf_kube_how *how, const char *path,
                  struct cf_buf *out, struct cf_error *err) CF_NODISCARD;

/* --- what the server is --- */

struct cf_kube_version {
    int major, minor;
    char git[CF_KUBE_VERSION_TEXT]; /* "v1.35.4" */
};
bool cf_kube_version(struct cf_kube *k, const struct cf_kube_how *how, struct cf_kube_version *out,
                     struct cf_error *err) CF_NODISCARD;
/* The server's wall clock minus ours, from the Date header (whole seconds; half the round trip
 * taken into account). */
bool cf_kube_clock_skew(struct cf_kube *k, const struct cf_kube_how *how, int64_t *out_ms,
                        struct cf_error *err) CF_NODISCARD;
/* The cluster's identity: the uid of namespace kube-system; buf of CF_KUBE_UID_TEXT. */
bool cf_kube_uid(struct cf_kube *k, const struct cf_kube_how *how, char *buf,
                 struct cf_error *err) CF_NODISCARD;

struct cf_kube_access {
    const char *verb;        /* "patch" */
    const char *group;       /* "" core */
    const char *resource;    /* plural: "virtualservices" */
    const char *subresource; /* or NULL */
    const char *ns;          /* NULL: all namespaces */
    const char *name;        /* NULL: any */
};
/* SelfSubjectAccessReview. `reason` (CF_ERROR_FIELD_MAX bytes, may be NULL) gets the server's
 * words. */
bool cf_kube_can(struct cf_kube *k, const struct cf_kube_how *how,
                 const struct cf_kube_access *what, bool *out_allowed, char *reason,
                 struct cf_error *err) CF_NODISCARD;

#endif
