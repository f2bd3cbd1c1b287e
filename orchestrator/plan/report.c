/* SPDX-License-Identifier: Apache-2.0 */
/* Placing issues: canonical pointer to written pointer to line and column. See report.h. */
#include "orchestrator/plan/report.h"

#include <string.h>

#include "orchestrator/plan/expand.h"
#include "orchestrator/plan/limits.h"

/* An issue whose texts are borrowed. */
struct finding {
    enum cf_plan_issue_code code;
    bool is_warning;
    int line, column;
    const char *pointer, *detail, *hint;
};

static void add(struct cf_report *r, const struct finding *f)
{
    struct cf_plan_issues *l = r->issues;
    if (!f->is_warning)
        l->has_errors = true;
    if (l->n == CF_PLAN_ISSUES_MAX) {
        l->n_dropped++;
        return;
    }
    if (!l->items)
        l->items = cf_xcalloc(CF_PLAN_ISSUES_MAX, sizeof *l->items);
    l->items[l->n++] = (struct cf_plan_issue){
        .code = f->code,
        .is_warning = f->is_warning,
        .line = f->line,
        .column = f->column,
        .pointer = cf_xstrdup(f->pointer),
        .detail = cf_xstrdup(f->detail),
        .hint = cf_xstrdup(f->hint),
    };
    l->n_errors += !f->is_warning;
}

/* Cuts the pointer back until it names something in the document. */
static void cut_to_existing(const json_t *written, char *pointer)
{
    while (*pointer && !cf_json_pointer(written, pointer))
        *strrchr(pointer, '/') = '\0';
}

void cf_report_written(const json_t *written, const char *canonical, char *buf)
{
    cf_expand_origin(written, canonical, buf);
    cut_to_existing(written, buf);
}

/* Adds what was found at a pointer of the written document. */
static void add_at(struct cf_report *r, struct finding f)
{
    if (r->marks)
        cf_marks_find(r->marks, f.pointer, &f.line, &f.column);
    add(r, &f);
}

static void report_v(struct cf_report *r, struct finding f, const char *canonical, const char *fmt,
                     va_list ap) CF_PRINTF(4, 0);

static void report_v(struct cf_report *r, struct finding f, const char *canonical, const char *fmt,
                     va_list ap)
{
    char where[CF_JSON_POINTER_MAX];
    cf_report_written(r->written, canonical, where);
    cf_autofree char *detail = cf_xvasprintf(fmt, ap);
    f.pointer = where;
    f.detail = detail;
    add_at(r, f);
}

void cf_report(struct cf_report *r, enum cf_plan_issue_code code, const char *pointer,
               const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report_v(r, (struct finding){ .code = code, .hint = hint }, pointer, fmt, ap);
    va_end(ap);
}

void cf_report_warning(struct cf_report *r, const char *pointer, const char *hint, const char *fmt,
                       ...)
{
    va_list ap;
    va_start(ap, fmt);
    report_v(r, (struct finding){ .code = CF_PLAN_DOUBTFUL, .is_warning = true, .hint = hint },
             pointer, fmt, ap);
    va_end(ap);
}

void cf_report_missing(struct cf_report *r, const char *pointer, const char *key, const char *hint)
{
    char where[CF_JSON_POINTER_MAX];
    cf_report_written(r->written, pointer, where);
    cf_json_pointer_push(where, key);
    cf_autofree char *detail = cf_xasprintf("required field \"%s\" is missing", key);
    add_at(r, (struct finding){ CF_PLAN_REQUIRED, false, 0, 0, where, detail, hint });
}

void cf_report_at(struct cf_report *r, enum cf_plan_issue_code code, int line, int column,
                  const char *pointer, const char *hint, const char *detail)
{
    add(r, &(struct finding){ code, false, line, column, pointer, detail, hint });
}

static bool is_before(const struct cf_plan_issue *a, const struct cf_plan_issue *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void cf_report_finish(struct cf_report *r)
{
    struct cf_plan_issues *l = r->issues;
    for (size_t i = 1; i < l->n; i++) { /* stable, and the list is short */
        struct cf_plan_issue it = l->items[i];
        size_t j = i;
        for (; j > 0 && is_before(&it, &l->items[j - 1]); j--)
            l->items[j] = l->items[j - 1];
        l->items[j] = it;
    }
}
