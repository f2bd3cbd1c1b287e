/* SPDX-License-Identifier: Apache-2.0 */
/* The order of decoding: text → tree → written-out tree → field by field → rules between fields →
 * lint → typed form. */
#include <string.h>

#include "orchestrator/plan/bind.h"
#include "orchestrator/plan/check.h"
#include "orchestrator/plan/derive.h"
#include "orchestrator/plan/expand.h"
#include "orchestrator/plan/parse.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/variant.h"
#include "orchestrator/plan/walk.h"

/* The effective form of `r->written`; complete only if no error was reported. New reference. */
static json_t *effective_of(struct cf_report *r)
{
    cf_autojson json_t *expanded = cf_expand(r->written, r);
    json_t *effective = cf_walk_document(expanded, r);
    cf_variant_check(effective, r);
    cf_derive(effective);
    cf_check(effective, r);
    if (!r->issues->has_errors)
        cf_lint(effective, r);
    return effective;
}

bool cf_plan_decode(const char *text, size_t len, enum cf_plan_media media,
                    struct cf_plan **out_plan, json_t **out_document, struct cf_plan_issues *issues)
{
    struct cf_report r = { .issues = issues };
    struct cf_marks *marks CF_CLEANUP(cf_marks_free_p) = NULL;
    cf_autojson json_t *written = cf_plan_parse(text, len, media, &marks, &r);
    if (!written)
        return false;
    r.written = written;
    r.marks = marks;
    cf_autojson json_t *effective = effective_of(&r);
    cf_report_finish(&r);
    if (issues->has_errors)
        return false;
    *out_plan = cf_bind(effective);
    if (out_document)
        *out_document = cf_steal(&written);
    return true;
}

struct cf_plan *cf_plan_from_effective(const json_t *effective, struct cf_error *err)
{
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_report r = { .written = effective, .issues = &issues };
    cf_autojson json_t *again = effective_of(&r);
    if (issues.has_errors) {
        const struct cf_plan_issue *first = issues.items;
        while (first->is_warning)
            first++;
        cf_error_set(err, CF_ERR_INVALID, "stored plan: %s: %s", first->pointer, first->detail);
        cf_error_field(err, first->pointer);
        return NULL;
    }
    if (!json_equal(again, effective)) {
        cf_error_set(err, CF_ERR_INVALID, "stored plan: not an effective form of this version");
        return NULL;
    }
    return cf_bind(again);
}
