/* SPDX-License-Identifier: Apache-2.0 */
/* Where checks report to: from a place in the canonical form to a place in the document as it was
 * written.
 *
 * Short forms are written out before anything is checked, and defaults are filled in; so the
 * pointer of what is checked may not exist in the document. An issue names the nearest place that
 * does. Private to this room; one decoding at a time. */
#ifndef CF_PLAN_REPORT_H
#define CF_PLAN_REPORT_H

#include "base/yaml.h"
#include "orchestrator/plan/issue.h"

struct cf_report {
    const json_t *written;        /* the document as it was written, or NULL while there is none */
    const struct cf_marks *marks; /* where its nodes stood, or NULL */
    struct cf_plan_issues *issues;
};

/* An error at a canonical pointer. `hint` may be NULL and is copied. */
void cf_report(struct cf_report *r, enum cf_plan_issue_code code, const char *pointer,
               const char *hint, const char *fmt, ...) CF_PRINTF(5, 6);

/* A lint finding: the document is accepted. */
void cf_report_warning(struct cf_report *r, const char *pointer, const char *hint, const char *fmt,
                       ...) CF_PRINTF(4, 5);

/* The required member `key` of the mapping at `pointer` is missing: the issue points to where it
 * would stand. */
void cf_report_missing(struct cf_report *r, const char *pointer, const char *key, const char *hint);

/* An error at a place that the parser knows. */
void cf_report_at(struct cf_report *r, enum cf_plan_issue_code code, int line, int column,
                  const char *pointer, const char *hint, const char *detail);

/* Sorts by line, column, then order of finding. Call once, at the end. */
void cf_report_finish(struct cf_report *r);

/* The pointer of the written document that stands for a canonical one, into buf of
 * CF_JSON_POINTER_MAX bytes. */
void cf_report_written(const json_t *written, const char *canonical, char *buf);

#endif
