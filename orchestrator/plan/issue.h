/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong (or doubtful) in a plan document, as a bounded list.
 *
 * Errors refuse the document; warnings (lint) travel with an accepted one. Owned by the caller of
 * cf_plan_decode. One thread. */
#ifndef CF_PLAN_ISSUE_H
#define CF_PLAN_ISSUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

enum cf_plan_issue_code {
    CF_PLAN_SYNTAX,          /* not YAML or JSON at all, or a construct we refuse */
    CF_PLAN_DUPLICATE_FIELD, /* the same key twice in one mapping */
    CF_PLAN_UNKNOWN_FIELD,
    CF_PLAN_REQUIRED, /* a field is missing */
    CF_PLAN_WRONG_TYPE,
    CF_PLAN_UNIT_MISSING, /* a bare number where a duration or a percentage is needed */
    CF_PLAN_BAD_FORMAT, /* text that does not follow the field's form: name, selector, duration … */
    CF_PLAN_OUT_OF_RANGE,
    CF_PLAN_UNKNOWN_VALUE,     /* not one of the words that the field takes */
    CF_PLAN_NOT_SUPPORTED_YET, /* a known field or word without an implementation in this version */
    CF_PLAN_LIMIT,             /* more rows or bytes than limits.h allows */
    CF_PLAN_DUPLICATE_NAME,    /* two rows of a list with one name */
    CF_PLAN_DANGLING_NAME,     /* a name that nothing in the document has */
    CF_PLAN_CONFLICTING_FIELDS, /* two fields that exclude each other, or a field that its neighbour
                                   makes pointless */
    CF_PLAN_STEP_ORDER,         /* weights that do not rise strictly to 100 */
    CF_PLAN_SAME_ENDS,          /* source and target are one place */
    CF_PLAN_DOUBTFUL,           /* warnings only */
    CF_PLAN_ISSUE_CODES
};

struct cf_plan_issue {
    enum cf_plan_issue_code code;
    bool is_warning;
    int line, column; /* from 1; 0 when the place is not known */
    char *pointer;    /* RFC 6901, of the document as it was written; "" is the whole of it */
    char *detail;     /* what is wrong, one sentence without the place */
    char *hint;       /* what to do, or NULL */
};

struct cf_plan_issues {
    struct cf_plan_issue
        *items; /* sorted by line, column, then in the order found, once decoding is over */
    size_t n;
    size_t n_errors;  /* of items */
    size_t n_dropped; /* found beyond CF_PLAN_ISSUES_MAX; errors among them still refuse the
                         document */
    bool has_errors;
};

#define CF_PLAN_ISSUES_INIT ((struct cf_plan_issues){ .n = 0 })

void cf_plan_issues_free(struct cf_plan_issues *l); /* for CF_CLEANUP; usable again afterwards */

/* "UNKNOWN_FIELD", …: stable words for the wire. */
const char *cf_plan_issue_code_name(enum cf_plan_issue_code code);
/* What it means, for the reference page. */
const char *cf_plan_issue_code_meaning(enum cf_plan_issue_code code);

/* Array of {pointer, line, column, code, detail, hint} for the `errors` of a problem document
 * (warnings = false) or the `warnings` of an accepted plan. line and column are left out when not
 * known, hint when there is none. New reference. */
json_t *cf_plan_issues_json(const struct cf_plan_issues *l, bool warnings) CF_NODISCARD;

/* One line (two with a hint) per issue for people: "FILE:8:15: error: /spec/…: unknown field
 * \"tpye\"". `file` may be NULL. */
void cf_plan_issues_text(const struct cf_plan_issues *l, const char *file, struct cf_buf *out);

#endif
