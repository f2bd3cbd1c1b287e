/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that come in types: which fields belong to which type of router, destination and gate. One
 * table, read by the checks, the JSON Schema and the reference page. Private to this room. */
#ifndef CF_PLAN_VARIANT_H
#define CF_PLAN_VARIANT_H

#include "orchestrator/plan/report.h"

struct cf_variant {
    const char *list; /* path of the rows' list: "/spec/gates" */
    const char *type; /* value of the row's "type" */
    const char *part; /* path inside the row of the mapping that is meant; "": the row itself */
    const char *own;  /* fields of this type, between spaces, with a space at both ends: " max " */
    const char *required; /* those of them that must be there, in the same form */
};

extern const struct cf_variant cf_variants[]; /* ends with a row without a list */

/* Reports fields of another type and missing required ones. `effective` before cf_derive(). */
void cf_variant_check(const json_t *effective, struct cf_report *r);

#endif
