/* SPDX-License-Identifier: Apache-2.0 */
/* The table as the page docs/plan-reference.md. */
#include <string.h>

#include "base/units.h"
#include "orchestrator/plan/limits.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/schema.h"
#include "orchestrator/plan/variant.h"

enum { PAGE_MAX = 256 * 1024 };

/* "/spec/traffic/steps/ * /weight" → "spec.traffic.steps[].weight". */
static void put_path(struct cf_buf *out, const char *path)
{
    for (const char *p = path + 1; *p; p++) {
        if (*p == '/' && p[1] == '*')
            continue;
        if (*p == '*')
            cf_buf_puts(out, "[]");
        else
            cf_buf_putc(out, *p == '/' ? '.' : *p);
    }
}

static void put_words(struct cf_buf *out, const struct cf_schema_row *row)
{
    size_t n = 0;
    for (size_t i = 0; row->words[i]; i++)
        if (row->words[i][0] != '!')
            cf_buf_printf(out, "%s`%s`", n++ ? ", " : "", row->words[i]);
}

static void put_range(struct cf_buf *out, const struct cf_schema_row *row)
{
    char low[CF_UNIT_TEXT_MAX], high[CF_UNIT_TEXT_MAX];
    switch (row->type) {
    case CF_SCHEMA_INT:
        cf_buf_printf(out, ", %.0f to %.0f", row->min, row->max);
        break;
    case CF_SCHEMA_DURATION:
        cf_buf_printf(out, ", %s to %s", cf_duration_format((int64_t)row->min, low),
                      cf_duration_format((int64_t)row->max, high));
        break;
    case CF_SCHEMA_PERCENT:
        cf_buf_printf(out, ", %s to %s", cf_percent_format(row->min, low),
                      cf_percent_format(row->max, high));
        break;
    case CF_SCHEMA_LIST:
    case CF_SCHEMA_MAP:
        if (row->min > 0)
            cf_buf_printf(out, ", %.0f to %.0f", row->min, row->max);
        else
            cf_buf_printf(out, ", at most %.0f", row->max);
        break;
    default:
        break;
    }
}

static void put_type(struct cf_buf *out, const struct cf_schema_row *row)
{
    static const char *const names[] = {
        [CF_SCHEMA_OBJECT] = "mapping",
        [CF_SCHEMA_LIST] = "list",
        [CF_SCHEMA_MAP] = "map of texts",
        [CF_SCHEMA_TEXT] = "text",
        [CF_SCHEMA_WORD] = "",
        [CF_SCHEMA_INT] = "whole number",
        [CF_SCHEMA_BOOL] = "true or false",
        [CF_SCHEMA_DURATION] = "duration",
        [CF_SCHEMA_PERCENT] = "percentage",
        [CF_SCHEMA_JSON] = "any mapping",
        [CF_SCHEMA_NAME_OR_INDEX] = "text or position",
    };
    cf_buf_puts(out, names[row->type]);
    if (row->type == CF_SCHEMA_WORD)
        put_words(out, row);
    put_range(out, row);
}

static void put_default(struct cf_buf *out, const struct cf_schema_row *row)
{
    if (strcmp(row->path, "/spec/traffic/routers") == 0)
        cf_buf_puts(out, "**required**, or `router`");
    else if (row->flags & CF_SCHEMA_REQUIRED)
        cf_buf_puts(out, "**required**");
    else if (cf_schema_is_derived(row))
        cf_buf_puts(out, row->dflt + 2);
    else if (row->dflt && row->type != CF_SCHEMA_OBJECT)
        cf_buf_printf(out, "`%s`", row->dflt);
}

/* One table for the fields of a mapping that holds any. */
static void put_table(struct cf_buf *out, const struct cf_schema_row *parent)
{
    cf_buf_puts(out, "\n## ");
    if (*parent->path)
        put_path(out, parent->path);
    else
        cf_buf_puts(out, "The document");
    cf_buf_printf(out, "\n\n%s.\n\n| field | takes | default | meaning |\n|---|---|---|---|\n",
                  parent->help);
    const struct cf_schema_row *row = NULL;
    while ((row = cf_schema_next_child(parent, row))) {
        if (row->flags & (CF_SCHEMA_NOTE | CF_SCHEMA_LATER))
            continue;
        cf_buf_printf(out, "| `%s` | ", cf_schema_key(row));
        put_type(out, row);
        cf_buf_puts(out, " | ");
        put_default(out, row);
        cf_buf_printf(out, " | %s |\n", row->help);
    }
}

static void put_tables(struct cf_buf *out)
{
    const struct cf_schema_row *row = NULL;
    while ((row = cf_schema_next(row)))
        if (row->type == CF_SCHEMA_OBJECT && cf_schema_next_child(row, NULL) &&
            !(row->flags & (CF_SCHEMA_LATER | CF_SCHEMA_NOTE)))
            put_table(out, row);
}

static void put_variants(struct cf_buf *out)
{
    cf_buf_puts(out,
                "\n## Fields by type\n\n"
                "Rows of routers and gates come in types. These fields belong to one type only:\n\n"
                "| row | type | its fields | needed |\n|---|---|---|---|\n");
    for (const struct cf_variant *v = cf_variants; v->list; v++) {
        cf_buf_puts(out, "| `");
        put_path(out, v->list);
        cf_buf_puts(out, "[]");
        for (const char *p = v->part; *p; p++)
            cf_buf_putc(out, *p == '/' ? '.' : *p);
        cf_buf_printf(out, "` | `%s` |%s|%s|\n", v->type, v->own, v->required);
    }
}

static void put_later(struct cf_buf *out)
{
    cf_buf_puts(out, "\n## Not supported yet\n\n"
                     "These fields and words are known and refused with `NOT_SUPPORTED_YET`; none "
                     "of them is ever ignored.\n\n");
    const struct cf_schema_row *row = NULL;
    while ((row = cf_schema_next(row))) {
        if (row->flags & CF_SCHEMA_LATER) {
            cf_buf_puts(out, "- `");
            put_path(out, row->path);
            cf_buf_printf(out, "`: %s\n", row->help);
        }
        for (size_t i = 0; row->words && row->words[i]; i++)
            if (row->words[i][0] == '!') {
                cf_buf_puts(out, "- `");
                put_path(out, row->path);
                cf_buf_printf(out, ": %s`\n", row->words[i] + 1);
            }
    }
}

static void put_codes(struct cf_buf *out)
{
    cf_buf_puts(
        out,
        "\n## Codes\n\nEach entry of a refusal's `errors` has one of these codes. `warnings` of an "
        "accepted plan have `DOUBTFUL`.\n\n| code | meaning |\n|---|---|\n");
    for (int i = 0; i < CF_PLAN_ISSUE_CODES; i++) {
        enum cf_plan_issue_code code = (enum cf_plan_issue_code)i;
        cf_buf_printf(out, "| `%s` | %s |\n", cf_plan_issue_code_name(code),
                      cf_plan_issue_code_meaning(code));
    }
    cf_buf_printf(out,
                  "\nA document is at most %d bytes long; at most %d issues are told at once.\n",
                  CF_PLAN_TEXT_MAX, CF_PLAN_ISSUES_MAX);
}

static const char introduction[] =
    "# Plan reference\n"
    "\n"
    "<!-- Produced from the schema table in orchestrator/plan; do not edit. CROSSFADE_UPDATE=1 "
    "unit_plan_reference writes it. -->\n"
    "\n"
    "A plan is one YAML or JSON document. [first-plan.yaml](examples/first-plan.yaml) is the "
    "shortest,\n"
    "[complete-plan.yaml](examples/complete-plan.yaml) shows every field.\n"
    "\n"
    "- Unknown and duplicate keys are errors; so are YAML tags, anchors and aliases. All errors "
    "come at once, each with a JSON\n"
    "  pointer, line, column and a hint.\n"
    "- Durations and percentages are texts with their unit: `90s`, `5m`, `1h30m`, `14d`; `99.5%`. "
    "Bare numbers are for weights,\n"
    "  counts and ports only.\n"
    "- There are three short forms: `steps: [5, 25, 100]` for steps with only a weight, `router: "
    "{…}` for one router, whose `name`\n"
    "  is then its object's name too, and `- successRate: \">= 99.5%\"` for a gate with only a "
    "`min`.\n"
    "- What is left out gets its default. `crossfade plan get NAME --effective` shows every value; "
    "the plan's digest is taken over that form,\n"
    "  so that comments, key order and syntax do not count.\n";

char *cf_plan_reference_markdown(void)
{
    struct cf_buf out CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(PAGE_MAX);
    cf_buf_puts(&out, introduction);
    put_tables(&out);
    put_variants(&out);
    put_later(&out);
    put_codes(&out);
    cf_assert(!out.overflow);
    return cf_buf_take(&out);
}
