/* SPDX-License-Identifier: Apache-2.0 */
/* The plan document: what to move, how, under which gates.
 *
 * A text (YAML or JSON) is decoded strictly against one table (schema.h): unknown and duplicate
 * keys, wrong types, ranges, missing units, names that lead nowhere and fields without an
 * implementation are issues, all reported at once, each with pointer, line, column, code, detail
 * and hint. What is left out gets its default; the three short forms (a number as a step, `router`,
 * a gate with one key) are written out. The result is the *effective form*: every field canonical,
 * durations and percentages in their shortest text. Its RFC 8785 digest is the plan's identity: the
 * same meaning gives the same digest, whatever the key order, the comments or the syntax.
 *
 * Called by: the API (decode, diff), the command line (lint, init, schema), the engine
 * (cf_plan_from_effective of a stored revision). Pure: no I/O, no clock, no globals that change;
 * any thread. A struct cf_plan is immutable after it was made; its strings live in `effective`, its
 * arrays in an arena of its own, all freed by cf_plan_free(). */
#ifndef CF_PLAN_PLAN_H
#define CF_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "orchestrator/plan/issue.h"
#include "orchestrator/plan/limits.h"

#define CF_PLAN_API_VERSION "crossfade.dev/v1alpha1"
#define CF_PLAN_KIND        "MigrationPlan"

/* ---- the typed form: `const char *` is NULL when absent and the field has no default ---- */

enum cf_plan_conflict { CF_PLAN_CONFLICT_FAIL, CF_PLAN_CONFLICT_ADOPT, CF_PLAN_CONFLICT_OVERWRITE };

/* When a workload's pods run in the target. AUTO: NOW for what the routers reach, AT_SWITCH (no
 * replicas until the last weight) for the rest. What the routers reach is started before the first
 * weight whatever is said here. */
enum cf_plan_start { CF_PLAN_START_AUTO, CF_PLAN_START_NOW, CF_PLAN_START_AT_SWITCH };

/* LISTED: nothing comes that no row of `include` names. */
enum cf_plan_dependencies { CF_PLAN_DEPENDENCIES_AUTO, CF_PLAN_DEPENDENCIES_LISTED };

/* Which objects: all conditions that are given must hold. `name` may contain '*', which stands for
 * any characters. */
struct cf_plan_match {
    const char *api_version; /* NULL: whatever group serves the kind */
    const char *kind;        /* NULL: every kind (only in a transform) */
    const char *name;
    const char *selector; /* label selector as kubectl writes it: "app=web,tier!=cache" */
};

struct cf_plan_include {
    struct cf_plan_match match;
    enum cf_plan_start start;          /* the row's own, else workloads.start */
    enum cf_plan_conflict on_conflict; /* the row's own, else workloads.onConflict */
    const char *const *after;          /* what other rows are called: "StatefulSet/db" */
    size_t n_after;
};

/* Exactly one of the two changes is set. */
struct cf_plan_transform {
    struct cf_plan_match match; /* nothing given: every object */
    const json_t *merge_patch;  /* RFC 7396, or NULL */
    const char *image_from;     /* registry (and path) prefix of image references, or NULL */
    const char *image_to;
};

struct cf_plan_workloads {
    const struct cf_plan_include
        *include; /* n_include 0: what the routers' source destinations select, with its closure */
    size_t n_include;
    const struct cf_plan_match *exclude;
    size_t n_exclude;
    enum cf_plan_dependencies dependencies;
    enum cf_plan_conflict on_conflict;
    enum cf_plan_start start;
    const struct cf_plan_transform *transforms;
    size_t n_transforms;
    int replicas_min; /* at least so many replicas of each workload that has any in the source */
};

enum cf_plan_copy_method { CF_PLAN_COPY_DIRECT, CF_PLAN_COPY_KARMADA, CF_PLAN_COPY_CLUSTERNET };

/* TARGET_ONLY: the control plane never hears of the source. ADOPT: it takes the source over, widens
 * to the target and, after commit, narrows to it. */
enum cf_plan_copy_mode { CF_PLAN_COPY_TARGET_ONLY, CF_PLAN_COPY_ADOPT };

struct cf_plan_copy {
    enum cf_plan_copy_method method;
    const char *control_plane; /* a registered cluster; NULL exactly for DIRECT */
    enum cf_plan_copy_mode mode;
    bool overwrite;             /* federations: what stands in the target unmanaged is taken over */
    bool overrides_in_template; /* Karmada: the target's own values stand in the template, not in an
                                   OverridePolicy */
    int64_t timeout_ms;
};

enum cf_plan_strategy {
    CF_PLAN_STRATEGY_NONE,
    CF_PLAN_STRATEGY_FS_BACKUP,
    CF_PLAN_STRATEGY_SNAPSHOT,
    CF_PLAN_STRATEGY_EXTERNAL,
};

enum cf_plan_exceeded { CF_PLAN_EXCEEDED_ROLLBACK, CF_PLAN_EXCEEDED_CONTINUE };

/* What the plan says of the data of claims. The rows of claims stay JSON: whoever matches them
 * reads `effective` (federation/objects/volumes.h). */
struct cf_plan_volumes {
    bool given; /* else nothing of it counts */
    bool moves; /* the default or a row has a strategy of Velero */
    int64_t sync_every_ms;
    int passes;
    int64_t max_pause_ms;
    enum cf_plan_exceeded on_exceeded;
    bool rehearse;
    bool gitops_by_hand; /* a person pauses who keeps the writers; else the run does */
    const char *velero_namespace;
    const char *location;      /* NULL: the source's default */
    const char *back_location; /* NULL: no way back with data */
    const char *image;
};

enum cf_plan_router_type {
    CF_PLAN_ROUTER_VIRTUAL_SERVICE,
    CF_PLAN_ROUTER_HTTP_ROUTE,
    CF_PLAN_ROUTER_INGRESS
};

/* How the router's cluster gets to the target's pods. */
enum cf_plan_reach { CF_PLAN_REACH_EXISTING, CF_PLAN_REACH_ENDPOINTS, CF_PLAN_REACH_ADDRESS };

/* One destination inside a router object; which fields count depends on the router's type:
 * virtualService host, subset, port · httpRoute service, namespace, kind, port · ingress service,
 * port or portName. */
struct cf_plan_destination {
    const char *host;
    const char *subset;
    const char *service;
    const char *namespace_;
    const char *kind;      /* httpRoute: "Service" (default) or "ServiceImport" */
    const char *port_name; /* ingress */
    int port;              /* 0: whatever port stands there */
};

/* Which route (virtualService: http[]) or rule (httpRoute: rules[]) of the object. */
enum cf_plan_pick {
    CF_PLAN_PICK_ONLY, /* the object has exactly one that fits */
    CF_PLAN_PICK_NAME,
    CF_PLAN_PICK_INDEX,
    CF_PLAN_PICK_MATCH, /* httpRoute: the rule that has this entry in `matches` */
};

struct cf_plan_router {
    const char *name; /* unique in the plan; the word used in events and metrics */
    enum cf_plan_router_type type;
    const char *cluster;
    const char *namespace_;
    const char *object; /* metadata.name of the router object */
    enum cf_plan_pick pick;
    const char *pick_name;                    /* PICK_NAME */
    int pick_index;                           /* PICK_INDEX */
    const json_t *pick_match;                 /* PICK_MATCH */
    const char *host;                         /* ingress: only rules of this host; NULL: all */
    const char *path;                         /* ingress: only this path; NULL: all */
    const struct cf_plan_destination *source; /* NULL: the only destination that stands there */
    const struct cf_plan_destination *target; /* NULL: a bridge */
    enum cf_plan_reach reach; /* EXISTING exactly when `target` is given, else the plan's mode */
};

struct cf_plan_port {
    const char *name; /* of the source Service's port; NULL: the Service's only port */
    int port;         /* at the addresses */
};

struct cf_plan_step {
    int weight; /* percent to the target, 1 to 100, strictly rising, the last is 100 */
    int64_t hold_ms;
};

enum cf_plan_drift { CF_PLAN_DRIFT_PAUSE, CF_PLAN_DRIFT_RESTORE, CF_PLAN_DRIFT_ROLLBACK };

enum cf_plan_writers {
    CF_PLAN_WRITERS_NONE, /* the plan has no data with writers */
    CF_PLAN_WRITERS_SINGLE,
    CF_PLAN_WRITERS_BOTH,
};

struct cf_plan_traffic {
    const struct cf_plan_router *routers; /* at least one */
    size_t n_routers;
    enum cf_plan_reach reach;
    const char *const *addresses; /* REACH_ADDRESS: IPv4 or IPv6, at least one */
    size_t n_addresses;
    const struct cf_plan_port
        *ports; /* REACH_ADDRESS; none: the source Service's own port numbers */
    size_t n_ports;
    const struct cf_plan_step *steps; /* at least one */
    size_t n_steps;
    int64_t hold_ms;     /* the default that steps without a hold took */
    int64_t deadline_ms; /* from the run's start to commit, through holds; 0: none */
    enum cf_plan_drift on_drift;
    enum cf_plan_writers writers;
    int switch_weight; /* SINGLE: they move just before this weight is written; 0: before any */
};

enum cf_plan_gate_type { CF_PLAN_GATE_SUCCESS_RATE, CF_PLAN_GATE_LATENCY, CF_PLAN_GATE_PROMQL };

struct cf_plan_gate {
    const char *name; /* unique in the plan */
    enum cf_plan_gate_type type;
    double min;    /* ratio of good requests that must hold: 0.995. The detector's p0 is 1 - min */
    double detect; /* failure rate that must have been excluded before a step passes; > 1 - min, at
                      most 0.5 */
    double alpha;  /* probability of a false rollback within one hour */
    int64_t interval_ms; /* one look */
    int64_t
        min_requests;  /* extra floor since the last change of weight; 0: the proof alone decides */
    int64_t max_ms;    /* LATENCY: slower than this is a failure; must be an edge of the histogram.
                          Else 0 */
    const char *total; /* PROMQL: counter n of finished requests, else NULL */
    const char *failed;  /* PROMQL: counter k of those that failed, else NULL */
    const char *cluster; /* whose metrics source is asked; NULL: each router's own cluster. Never
                            NULL for PROMQL */
};

enum cf_plan_no_data { CF_PLAN_NO_DATA_PAUSE, CF_PLAN_NO_DATA_ROLLBACK };

/* What sends the traffic back by itself (an operator's rollback always does). */
enum cf_plan_rollback_on { CF_PLAN_ROLLBACK_ON_GATE = 1, CF_PLAN_ROLLBACK_ON_DEADLINE = 2 };

enum cf_plan_commit { CF_PLAN_COMMIT_MANUAL, CF_PLAN_COMMIT_AUTO };

enum cf_plan_cleanup { CF_PLAN_CLEANUP_SCALE_TO_ZERO, CF_PLAN_CLEANUP_KEEP };

struct cf_plan {
    const char *name;
    const json_t *labels; /* object of strings, may be empty */
    const char *description;
    const char *source_cluster;
    const char *source_namespace;
    const char *target_cluster;
    const char *target_namespace;
    bool create_namespace;
    struct cf_plan_workloads workloads;
    struct cf_plan_copy copy;
    struct cf_plan_volumes volumes;
    struct cf_plan_traffic traffic;
    const struct cf_plan_gate *gates;
    size_t n_gates;
    int64_t no_data_wait_ms;           /* missing samples hold for so long, then */
    enum cf_plan_no_data no_data_then; /* … this */
    unsigned rollback_on;              /* enum cf_plan_rollback_on, as bits */
    bool reverse_data; /* rollback.targetData: reverse; else what the target wrote is discarded */
    enum cf_plan_commit commit;
    enum cf_plan_cleanup cleanup_source;
    int64_t cleanup_after_ms; /* from commit to the retiring of the source */

    json_t *effective;          /* the canonical form of the whole document, owned */
    char digest[CF_SHA256_HEX]; /* SHA-256 of the RFC 8785 form of `effective`, lower-case hex */
    struct cf_arena *arena;     /* owned; holds the arrays above */
};

/* ---- making one ---- */

enum cf_plan_media { CF_PLAN_YAML, CF_PLAN_JSON };

/* "application/json" (and "…+json") is JSON; "application/yaml", "text/yaml", "application/x-yaml",
 * "text/plain" are YAML; parameters after ';' are ignored. False for anything else. */
bool cf_plan_media_of(const char *content_type, enum cf_plan_media *out);

/* Decodes a text of at most CF_PLAN_TEXT_MAX bytes. On success *out_plan is the plan (free with
 * cf_plan_free) and `issues` holds warnings only. On failure returns false, *out_plan is untouched
 * and `issues` holds at least one error. `issues` must be initialised (CF_PLAN_ISSUES_INIT) and is
 * the caller's to free. *out_document, unless the pointer is NULL, gets a new reference to the
 * document as it was written (for the store), on success only. */
bool cf_plan_decode(const char *text, size_t len, enum cf_plan_media media,
                    struct cf_plan **out_plan, json_t **out_document,
                    struct cf_plan_issues *issues) CF_NODISCARD;

/* The typed form of an effective form that came out of cf_plan_decode, as stored with a revision.
 * INVALID if it is not one (a revision written by another version); the error's field is the
 * pointer of the first issue. */
struct cf_plan *cf_plan_from_effective(const json_t *effective, struct cf_error *err) CF_NODISCARD;

void cf_plan_free(struct cf_plan *p); /* accepts NULL */
void cf_plan_free_p(struct cf_plan **p);

/* ---- comparing ---- */

/* The differences between two effective forms as an array of {"pointer", "from", "to"} sorted by
 * pointer; "from" or "to" is left out where the value was added or removed. Rows of lists that have
 * names (routers, gates) are paired by name, others by position; the pointers index `b` (or `a` for
 * what was removed). At most CF_PLAN_DIFF_MAX rows. New reference. */
json_t *cf_plan_diff(const json_t *a, const json_t *b) CF_NODISCARD;

/* ---- words ---- */

/* The texts used in documents, events and metrics. */
const char *cf_plan_router_type_name(enum cf_plan_router_type t); /* "virtualService" */
const char *cf_plan_reach_name(enum cf_plan_reach r);             /* "endpoints" */
const char *cf_plan_gate_type_name(enum cf_plan_gate_type t);     /* "successRate" */
const char *cf_plan_copy_method_name(enum cf_plan_copy_method m); /* "direct" */
const char *cf_plan_conflict_name(enum cf_plan_conflict c);       /* "fail" */
const char *cf_plan_drift_name(enum cf_plan_drift d);             /* "pause" */

/* ---- what the command line and the docs print ---- */

/* The twelve-line first plan. `from` is "CLUSTER/NAMESPACE", `to` "CLUSTER" or "CLUSTER/NAMESPACE";
 * `router_type` and `router_name` may be NULL (virtualService; the namespace's name). INVALID if
 * the result would not decode. Caller frees. */
char *cf_plan_init_text(const char *from, const char *to, const char *router_type,
                        const char *router_name, struct cf_error *err) CF_NODISCARD;

/* JSON Schema (draft 2020-12) of what is accepted, short forms included. New reference. */
json_t *cf_plan_json_schema(void) CF_NODISCARD;

/* The reference page docs/plan-reference.md. Caller frees. */
char *cf_plan_reference_markdown(void) CF_NODISCARD;

#endif
