/* SPDX-License-Identifier: Apache-2.0 */
/* The strict walk of a written-out document along the table: everything that one field's row can
 * judge.
 *
 * Private to this room; pure. */
#ifndef CF_PLAN_WALK_H
#define CF_PLAN_WALK_H

#include "orchestrator/plan/report.h"
#include "orchestrator/plan/schema.h"

/* One walk. `pointer` is the canonical place of the value at hand. */
struct cf_walk {
    struct cf_report *report;
    char pointer[CF_JSON_POINTER_MAX];
};

/* The canonical form of the document with the table's constant defaults, in the table's order. A
 * field that was refused is left out, a refused element of a list is null (so that positions stay),
 * a default that follows from other fields is null for cf_derive() to fill. New reference, never
 * NULL. */
json_t *cf_walk_document(const json_t *expanded, struct cf_report *r) CF_NODISCARD;

/* The canonical form of one scalar, or NULL after reporting. `row` is of a scalar type. New
 * reference. */
json_t *cf_walk_scalar(struct cf_walk *w, const struct cf_schema_row *row,
                       const json_t *value) CF_NODISCARD;

/* Reports that the value is of another type than the one wanted ("a list"). The hint is made from
 * the row if it is NULL. Returns NULL. */
json_t *cf_walk_wrong_type(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value,
                           const char *wanted, const char *hint);

#endif
