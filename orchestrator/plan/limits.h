/* SPDX-License-Identifier: Apache-2.0 */
/* How large a plan may be. Passing one of these is an issue with code LIMIT, never a cut. */
#ifndef CF_PLAN_LIMITS_H
#define CF_PLAN_LIMITS_H

enum {
    CF_PLAN_TEXT_MAX = 1024 * 1024, /* the largest request body the API takes for a plan */
    CF_PLAN_ISSUES_MAX = 100,       /* nobody reads more at once; the rest is counted */
    /* Labels become filters of lists; more is a database, not a label set. */
    CF_PLAN_LABELS_MAX = 32,
    CF_PLAN_ROUTERS_MAX = 16,  /* they move as one weight behind a barrier: the slowest decides */
    CF_PLAN_STEPS_MAX = 64,    /* 100 integers exist; more than 64 of them is not a ramp any more */
    CF_PLAN_GATES_MAX = 16,    /* each is a stream for every router in one batched query per look */
    CF_PLAN_INCLUDE_MAX = 200, /* rows of workloads.include and of workloads.exclude, each */
    CF_PLAN_AFTER_MAX = 20,    /* rows that one row comes after: more is a wave of its own */
    CF_PLAN_WAVES_MAX = 20,    /* each waits until everything before it is healthy */
    CF_PLAN_TRANSFORMS_MAX = 64,  /* all of them are tried on every object */
    CF_PLAN_CLAIM_ROWS_MAX = 500, /* rows of volumes.claims: each is tried on every claim */
    CF_PLAN_PASSES_MAX = 100,     /* that the plan may ask for before a freeze */
    CF_PLAN_QUIESCE_MAX = 100,    /* workloads that stop with a freeze besides those that mount */
    CF_PLAN_ADDRESSES_MAX = 100,  /* one EndpointSlice holds 100 without being split */
    CF_PLAN_PORTS_MAX = 32,       /* ports of one bridge Service */
    CF_PLAN_NAME_MAX = 63, /* a DNS label: names become parts of object names and label values */
    CF_PLAN_OBJECT_NAME_MAX = 253, /* a DNS subdomain: what Kubernetes takes as an object's name */
    CF_PLAN_TEXT_FIELD_MAX = 1024, /* description, selectors, hosts, paths */
    CF_PLAN_QUERY_MAX = 4096,      /* one PromQL expression inside a batched query string */
    CF_PLAN_PATCH_BYTES_MAX = 64 * 1024, /* one merge patch of a transform, as compact JSON */
    CF_PLAN_DIFF_MAX = 1000,             /* rows of a difference between two revisions */
};

#endif
