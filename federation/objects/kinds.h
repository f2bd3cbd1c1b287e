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
    /* Not every cluster serves it and not everybody may read it: where it cannot be read there is
     * none, and that is noted. */
    CF_KIND_OPTIONAL = 16,
    CF_KIND_CLUSTER = 32,   /* has no namespace */
    CF_KIND_ON_DEMAND = 64, /* read only where something asks for it */
    CF_KIND_ROUTE = 128,    /* sends requests to Services: collapsed to those that are copied */
    CF_KIND_CUSTOM = 256,   /* the row that stands for every custom resource */
    /* Starts what it scales from nothing: waits for the switch with it. An autoscaler of Kubernetes'
     * own lets alone what has no replicas. */
    CF_KIND_STARTS = 512,
    CF_KIND_STANDS_STILL = CF_KIND_WORKLOAD | CF_KIND_STARTS, /* held.h */
};

/* Removes what only the source cluster knows from a copy of the object; the original still tells
 * who set what. */
typedef void cf_clean_fn(json_t *copy, const json_t *original);

/* Objects are written by their number: a hundred for each wave of workloads before theirs, and what
 * their kind has in the table. */
enum { CF_WAVE_STRIDE = 100 };

/* The wave of workloads that a number belongs to; from 1. */
static inline int cf_wave_of_number(int number)
{
    return number / CF_WAVE_STRIDE + 1;
}

struct cf_kind {
    const char *group; /* "" core */
    const char *version;
    const char *kind;
    int wave; /* below CF_WAVE_STRIDE; smaller first; undone in reverse */
    unsigned flags;
    const char *pod_spec; /* JSON pointer of the pod spec, or NULL */
    cf_clean_fn *clean;   /* beyond what every kind loses; or NULL */
    cf_health_fn *health; /* NULL: there is nothing to wait for */
    const char *label;    /* for people, where the kind alone would name two; NULL: the kind */
};

/* In the order of application; ends with a row without a kind. */
extern const struct cf_kind cf_kinds[];

/* Of groups that no cluster has by itself: a custom resource may be copied although the table does
 * not know it. */
bool cf_group_is_custom(const char *group);

/* By group and kind; the row of all custom resources (kind "*") for a kind of a custom group that
 * the table does not have; NULL when it is not copied. */
const struct cf_kind *cf_kind_find(const char *group, const char *kind);
/* Of an object, by its apiVersion and kind. */
const struct cf_kind *cf_kind_of(const json_t *object);
/* "apps/v1" or "v1" into buf of 64 bytes; returns buf. */
char *cf_kind_api_version(const struct cf_kind *k, char *buf);

/* "Deployment/web"; with its group where the kind alone would not tell
 * ("Gateway.networking.istio.io/web", and every custom resource). New memory. */
char *cf_object_label(const json_t *object) CF_NODISCARD;
char *cf_kind_label(const char *group, const char *kind) CF_NODISCARD;
/* The group of an apiVersion into new memory: "apps" of "apps/v1", "" of "v1". */
char *cf_group_of(const char *api_version) CF_NODISCARD;

/* The pod spec and the pod's labels of a workload; NULL if the kind has none. Borrowed. */
json_t *cf_object_pod_spec(const json_t *object);
const json_t *cf_object_pod_labels(const json_t *object);

/* Borrowed parts of metadata; "" when absent. */
const char *cf_object_name(const json_t *object);
const char *cf_object_namespace(const json_t *object);
const char *cf_object_uid(const json_t *object);
/* The row [{"kind", "name", …}] that means an object of this kind and name; NULL if there is none.
 * Borrowed. */
json_t *cf_row_of(const json_t *rows, const char *kind, const char *name);
/* The condition of status of that type; NULL if there is none. Borrowed. */
const json_t *cf_object_condition(const json_t *object, const char *type);
/* Whether its status is that word ("True", "False", "Unknown"); false without the condition. */
bool cf_object_condition_is(const json_t *object, const char *type, const char *status);
/* "<group>/<kind>/<namespace>/<name>" (group "core" for the core group), in new memory; the
 * namespace may be given to override. */
char *cf_object_key(const json_t *object, const char *ns) CF_NODISCARD;

#endif
