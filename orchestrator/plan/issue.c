/* SPDX-License-Identifier: Apache-2.0 */
/* Issues as JSON for the wire and as lines for people. See issue.h. */
#include "orchestrator/plan/issue.h"

#include "orchestrator/plan/limits.h"

static const struct {
    const char *name, *meaning;
} codes[CF_PLAN_ISSUE_CODES] = {
    [CF_PLAN_SYNTAX] = { "SYNTAX", "not YAML or JSON, or a construct that plans do not have" },
    [CF_PLAN_DUPLICATE_FIELD] = { "DUPLICATE_FIELD", "the same key twice in one mapping" },
    [CF_PLAN_UNKNOWN_FIELD] = { "UNKNOWN_FIELD", "a key that does not belong there" },
    [CF_PLAN_REQUIRED] = { "REQUIRED", "a field is missing" },
    [CF_PLAN_WRONG_TYPE] = { "WRONG_TYPE",
                             "a list, text, number … where something else is needed" },
    [CF_PLAN_UNIT_MISSING] = { "UNIT_MISSING", "a bare number as a duration or percentage" },
    [CF_PLAN_BAD_FORMAT] = { "BAD_FORMAT", "a text that has not the form of its field" },
    [CF_PLAN_OUT_OF_RANGE] = { "OUT_OF_RANGE", "too small or too large" },
    [CF_PLAN_UNKNOWN_VALUE] = { "UNKNOWN_VALUE", "not one of the words that the field takes" },
    [CF_PLAN_NOT_SUPPORTED_YET] = { "NOT_SUPPORTED_YET", "known, but without an implementation" },
    [CF_PLAN_LIMIT] = { "LIMIT", "more entries or bytes than are allowed" },
    [CF_PLAN_DUPLICATE_NAME] = { "DUPLICATE_NAME", "two rows of one list with the same name" },
    [CF_PLAN_DANGLING_NAME] = { "DANGLING_NAME", "a name that nothing in the plan has" },
    [CF_PLAN_CONFLICTING_FIELDS] = { "CONFLICTING_FIELDS", "fields that exclude each other" },
    [CF_PLAN_STEP_ORDER] = { "STEP_ORDER", "weights that do not rise strictly to 100" },
    [CF_PLAN_SAME_ENDS] = { "SAME_ENDS", "source and target are one place" },
    [CF_PLAN_DOUBTFUL] = { "DOUBTFUL", "allowed, but probably not meant" },
};

const char *cf_plan_issue_code_name(enum cf_plan_issue_code code)
{
    cf_assert(code < CF_PLAN_ISSUE_CODES);
    return codes[code].name;
}

const char *cf_plan_issue_code_meaning(enum cf_plan_issue_code code)
{
    cf_assert(code < CF_PLAN_ISSUE_CODES);
    return codes[code].meaning;
}

void cf_plan_issues_free(struct cf_plan_issues *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].pointer);
        free(l->items[i].detail);
        free(l->items[i].hint);
    }
    free(l->items);
    *l = CF_PLAN_ISSUES_INIT;
}

static json_t *issue_json(const struct cf_plan_issue *i)
{
    json_t *o = json_object();
    json_object_set_new(o, "pointer", json_string(i->pointer));
    if (i->line > 0) {
        json_object_set_new(o, "line", json_integer(i->line));
        json_object_set_new(o, "column", json_integer(i->column));
    }
    json_object_set_new(o, "code", json_string(cf_plan_issue_code_name(i->code)));
    json_object_set_new(o, "detail", json_string(i->detail));
    if (i->hint)
        json_object_set_new(o, "hint", json_string(i->hint));
    return o;
}

json_t *cf_plan_issues_json(const struct cf_plan_issues *l, bool warnings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].is_warning == warnings)
            json_array_append_new(list, issue_json(&l->items[i]));
    return list;
}

/* Text from a document, for a terminal: control characters cannot act there. */
static void put_clean(struct cf_buf *out, const char *text)
{
    for (; *text; text++)
        cf_buf_putc(out, (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

void cf_plan_issues_text(const struct cf_plan_issues *l, const char *file, struct cf_buf *out)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct cf_plan_issue *it = &l->items[i];
        if (file)
            cf_buf_printf(out, "%s:", file);
        if (it->line > 0)
            cf_buf_printf(out, "%d:%d:", it->line, it->column);
        cf_buf_printf(out, "%s%s: ", file || it->line > 0 ? " " : "",
                      it->is_warning ? "warning" : "error");
        if (*it->pointer) {
            put_clean(out, it->pointer);
            cf_buf_puts(out, ": ");
        }
        put_clean(out, it->detail);
        cf_buf_putc(out, '\n');
        if (it->hint) {
            cf_buf_puts(out, "    hint: ");
            put_clean(out, it->hint);
            cf_buf_putc(out, '\n');
        }
    }
    if (l->n_dropped > 0)
        cf_buf_printf(out, "and %zu more\n", l->n_dropped);
}
