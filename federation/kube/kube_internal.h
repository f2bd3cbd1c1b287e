/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the client's struct, one deadline over several calls, one
 * exchange. */
#ifndef CF_FEDERATION_KUBE_KUBE_INTERNAL_H
#define CF_FEDERATION_KUBE_KUBE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "federation/kube/discovery.h"
#include "federation/kube/kube.h"

#define KUBE_JSON        "application/json"
#define KUBE_JSON_PATCH  "application/json-patch+json"
#define KUBE_MERGE_PATCH "application/merge-patch+json"
#define KUBE_APPLY_PATCH "application/apply-patch+yaml" /* JSON is YAML */

/* Every authenticated account may ask for its own rights. */
#define KUBE_ACCESS_REVIEWS "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

/* Bytes of path and query: API servers take about this much of a URL. */
enum { KUBE_PATH_MAX = 8192 };

/* What one group and version serves. Immutable once in the cache. */
struct kube_group_version {
    char api_version[CF_API_VERSION_MAX];
    int64_t asked_ms; /* when the server was last asked, cf_mono_now_ms() */
    bool served;
    struct cf_kube_resource *resources;
    size_t n;
    struct kube_group_version *next;
};

struct cf_kube {
    atomic_int refs;
    char *name;
    const struct cf_kube_ops *ops;
    void *self;
    int parallel;                   /* calls at once of one caller (fan_out.h) */
    atomic_llong roles_seen_ms;     /* kube_knows_roles(), cf_mono_now_ms() */
    pthread_mutex_t discovery_lock; /* guards the list, never held over a call */
    struct kube_group_version *discovery;
};

/* One deadline for all calls of a function. */
struct kube_span {
    struct cf_kube *k;
    struct cf_kube_how how;
    int64_t deadline_ms;
};
struct kube_span kube_span(struct cf_kube *k, const struct cf_kube_how *how);

struct kube_exchange {
    const char *method;
    const char *path;
    const char *content_type; /* of the body, or NULL */
    const char *accept;       /* NULL: JSON */
    const char *body;         /* NULL: none */
    size_t body_len;
    size_t response_max; /* 0: CF_KUBE_OBJECT_BYTES_MAX */
    bool is_read;
};
/* One request; a 2xx answer is parsed into *out (NULL when `out` is NULL or the body is empty), any
 * other becomes the error. `out_date_ms` may be NULL. */
bool kube_exchange(const struct kube_span *span, const struct kube_exchange *x, json_t **out,
                   int64_t *out_date_ms, struct cf_error *err) CF_NODISCARD;

/* After a 403: whether the server knows its roles, told by its answer to what every account may ask.
 * *out_is_news: it was asked just now; else it said so a moment ago. */
bool kube_knows_roles(const struct kube_span *span, bool *out_is_news);

/* Appends "?name=value" or "&name=value", escaped. */
void kube_query(struct cf_buf *path, const char *name, const char *value);

/* Discovery and path of a ref in one. */
bool kube_ref_path(const struct kube_span *span, const struct cf_object_ref *ref,
                   const char *subresource, struct cf_buf *path, struct cf_error *err) CF_NODISCARD;
bool kube_resource_of(const struct kube_span *span, const char *api_version, const char *kind,
                      struct cf_kube_resource *out, struct cf_error *err) CF_NODISCARD;
void kube_discovery_free(struct cf_kube *k);

/* LIMIT if the path did not fit. */
bool kube_path_fits(const struct cf_buf *path, struct cf_error *err) CF_NODISCARD;

/* Fills in what items of a list leave out. */
void kube_fill_item(json_t *item, const char *api_version, const char *kind);

#endif
