/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds that are copied from one cluster to another: one table row each.
 *
 * A row says where the kind stands in the order of application, where its pod template is, what may
 * be stripped from it and when it is healthy. Everything in this room reads the table; a new kind
 * is a new row. Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_KINDS_H
#define CF_FEDERATION_OBJECTS_KINDS_H

#include "base/json.h"
#include "federation/objects/health.h"

enum cf_kind_flags {
    CF_KIND_WORKLOAD = 1, /* runs pods: judged ready before traffic comes */
    CF_KIND_SCALABLE = 2, /* has spec.replicas */
    /* Belongs to its namespace, not to a workload: comes along with anything. */
    CF_KIND_AMBIENT = 4,
    CF_KIND_REACHED = 8, /* serves requests: what a Service selects */
};

/* Removes what only the source cluster knows from a copy of the object; the original still tells
 * who set what. */
typedef void cf_clean_fn(json_t *copy, const json_t *original);

struct cf_kind {
    const char *group; /* "" core */
    const char *version;
    const char *kind;
    int wave; /* smaller first; undone in reverse */
    unsigned flags;
    const char *pod_spec; /* JSON pointer of the pod spec, or NULL */
    cf_clean_fn *clean;   /* beyond what every kind loses; or NULL */
    cf_health_fn *health; /* NULL: there is nothing to wait for */
};

/* In the order of application; ends with a row without a kind. */
extern const struct cf_kind cf_kinds[];

/* By group and kind; NULL when it is not copied. */
const struct cf_kind *cf_kind_find(const char *group, const char *kind);
/* Of an object, by its apiVersion and kind. */
const struct cf_kind *cf_kind_of(const json_t *object);
/* "apps/v1" or "v1" into buf of 64 bytes; returns buf. */
char *cf_kind_api_version(const struct cf_kind *k, char *buf);

/* The pod spec and the pod's labels of a workload; NULL if the kind has none. Borrowed. */
json_t *cf_object_pod_spec(const json_t *object);
const json_t *cf_object_pod_labels(const json_t *object);

/* Borrowed parts of metadata; "" when absent. */
const char *cf_object_name(const json_t *object);
const char *cf_object_namespace(const json_t *object);
const char *cf_object_uid(const json_t *object);
/* "<group>/<kind>/<namespace>/<name>" (group "core" for the core group), in new memory; the
 * namespace may be given to override. */
char *cf_object_key(const json_t *object, const char *ns) CF_NODISCARD;

#endif
