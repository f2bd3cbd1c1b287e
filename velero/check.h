/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that a plan's volumes are held against, as a table. Pure; any thread. */
#ifndef CF_VELERO_CHECK_H
#define CF_VELERO_CHECK_H

#include "base/buf.h"
#include "velero/volumes.h"

/* What a rule sees. */
struct cf_check {
    const json_t *request;
    const json_t *from, *to;         /* facts of the two clusters */
    const char *from_name, *to_name; /* ours, of the clusters */
    const json_t *location, *pair;   /* of the way there; NULL: none */
    const json_t *back, *back_pair;  /* of the way back: at `to`, at `from` */
    const json_t *claim;             /* the row under test; NULL for rules of both sides */
    bool any_files, any_snapshots;   /* strategies that the plan uses */
};

enum cf_check_scope {
    CF_CHECK_SIDES = 1,    /* once */
    CF_CHECK_FILES = 2,    /* each claim of veleroFsBackup */
    CF_CHECK_SNAPSHOT = 4, /* each claim of veleroSnapshot */
    CF_CHECK_CLAIM = CF_CHECK_FILES | CF_CHECK_SNAPSHOT,
};

struct cf_check_rule {
    const char *id;
    const char *level; /* "blocker" or "warning" */
    unsigned scope;
    /* Whether the rule is broken; then `message` says by what. */
    bool (*broken)(const struct cf_check *c, struct cf_buf *message);
    const char *hint;
};

/* Ends with a row without an id. */
extern const struct cf_check_rule cf_check_side_rules[];
extern const struct cf_check_rule cf_check_claim_rules[];

bool cf_location_same_place(const json_t *a, const json_t *b);
const json_t *cf_location_find(const json_t *facts, const char *name);
/* "v1.18.3" → 1, 18, 3; false when it is no version. */
bool cf_velero_version(const json_t *facts, int out[3]);

#endif
