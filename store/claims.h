/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: what one active run alone may steer. Taken when the run is created (runs.h), given back
 * by the record that asks for it.
 *
 * Keys are identities, not names: they start with the uid of the cluster, so that one cluster
 * registered twice could not be claimed twice. cf_claim_key makes them. */
#ifndef CF_STORE_CLAIMS_H
#define CF_STORE_CLAIMS_H

#include "store/store.h"

#define CF_CLAIM_ROUTER "router" /* one route of one router object */
#define CF_CLAIM_SOURCE "source-namespace"
#define CF_CLAIM_TARGET "target-namespace"

struct cf_claim {
    const char *kind;
    char *key;
    char *text; /* for people: "VirtualService web/echo route main on dc1" */
};

/* "uid/part/part/…", parts ended by NULL, each percent-encoded so that no two lists of parts give
 * one key; caller frees. */
char *cf_claim_key(const char *cluster_uid, ...) __attribute__((sentinel)) CF_NODISCARD;

struct cf_claim_row {
    char *kind, *key, *text;
    char run_id[CF_UUID_TEXT];
    char *run_name; /* "PLAN/3" */
    int64_t at_ms;
};
struct cf_claim_list {
    struct cf_claim_row *rows;
    size_t n;
};
void cf_claim_list_free(struct cf_claim_list *list);

/* Of one run, or of all (run_id NULL). */
bool cf_claims_held(struct cf_store *store, const char *run_id, struct cf_claim_list *out,
                    struct cf_error *err) CF_NODISCARD;
/* Who holds any of these now: for preflight and dry runs. Only a run's creation really takes them.
 */
bool cf_claims_find(struct cf_store *store, const struct cf_claim *claims, size_t n,
                    struct cf_claim_list *out, struct cf_error *err) CF_NODISCARD;

#endif
