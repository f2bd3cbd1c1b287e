/* SPDX-License-Identifier: Apache-2.0 */
/* One event as one line (run_tree.h). */
#include <string.h>

#include "orchestrator/cli/run_tree.h"

static bool is_noise(const char *kind)
{
    static const char *const noise[] = { "step.progress", "step.applied", "router.touched",
                                         "run.noted" };
    for (size_t i = 0; i < CF_ARRAY_LEN(noise); i++)
        if (strcmp(noise[i], kind) == 0)
            return true;
    return false;
}

/* Whether the step's message was made by this very transition. */
static bool is_news(const char *kind)
{
    static const char *const old[] = { "step.started", "step.undoing", "step.undone" };
    for (size_t i = 0; i < CF_ARRAY_LEN(old); i++)
        if (strcmp(old[i], kind) == 0)
            return false;
    return true;
}

static void put_clean(struct cf_buf *out, const char *text)
{
    for (; *text; text++)
        cf_buf_putc(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

/* ": value" of the first members that are there; what no member says is left out. */
static void put_member(struct cf_buf *out, const json_t *data, const char *name, const char *before)
{
    const json_t *v = cf_json_at(data, name, NULL);
    if (json_is_string(v) && json_string_length(v) > 0) {
        cf_buf_puts(out, before);
        put_clean(out, json_string_value(v));
    } else if (json_is_integer(v)) {
        cf_buf_printf(out, "%s%lld", before, (long long)json_integer_value(v));
    }
}

bool cf_event_line(const json_t *event, struct cf_buf *out)
{
    const char *kind = cf_json_str(event, "", "kind", NULL);
    const json_t *data = cf_json_at(event, "data", NULL);
    if (is_noise(kind))
        return false;
    cf_buf_printf(out, "%s %s %s", cf_json_str(event, "-", "at", NULL),
                  cf_json_str(event, "-", "run", NULL), kind);
    if (strncmp(kind, "step.", 5) == 0) {
        put_member(out, data, "name", " ");
        if (is_news(kind))
            put_member(out, data, "message", ": ");
        return true;
    }
    bool is_hold =
        strncmp(kind, "run.hold.", 9) == 0; /* whose reason is a word, not a person's text */
    /* A rollback's reason says more than its message, which is the edge's. */
    bool has_cause = cf_json_at(data, "cause", NULL) != NULL;
    put_member(out, data, "router", " ");
    put_member(out, data, "applied", " weight ");
    put_member(out, data, "action", " ");
    put_member(out, data, "cause", " ");
    if (is_hold)
        put_member(out, data, "reason", " ");
    if (has_cause)
        put_member(out, data, "reason", ": ");
    else
        put_member(out, data, "message", ": ");
    if (!is_hold && !has_cause)
        put_member(out, data, "reason", "; reason: ");
    const char *actor = cf_json_str(event, "", "actor", NULL);
    if (*actor)
        cf_buf_printf(out, " (by %s)", actor);
    return true;
}
