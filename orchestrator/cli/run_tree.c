/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing a run. Neighbouring steps of traffic are one branch, and the steps of one weight are one
 * leaf of it. */
#include "orchestrator/cli/run_tree.h"

#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "orchestrator/cli/exit.h"

enum { LINE_MAX_BYTES = 4096, NAME_WIDTH = 34, INDENT = 3 /* of a leaf below a branch */ };

enum mark { MARK_DONE, MARK_NOW, MARK_LATER, MARK_FAILED, MARK_UNDOING, MARK_UNDONE, MARKS };

struct look {
    const char *marks[MARKS];
    const char *branch, *last, *bar, *gap, *arrow, *at_least;
};

static const struct look utf8_look = {
    { "✔", "◌", "·", "✖", "↩", "↺" }, "├─", "└─", "│  ", "   ", "→", "≥",
};
static const struct look ascii_look = {
    { "+", "o", ".", "x", "<", "=" }, "|-", "`-", "|  ", "   ", "->", ">=",
};
static const char *const mark_colors[MARKS] = { "32", "36", "2", "31", "33", "33" };

struct drawing {
    const struct cf_tree_options *options;
    int64_t now_ms; /* when what has no end is shown as ending */
    const struct look *look;
    struct cf_buf *out;
    struct cf_buf line;
};

bool cf_run_has_ended(const json_t *run)
{
    return cf_exit_of_run(cf_json_str(run, "", "state", NULL)) != CF_EXIT_WAITING;
}

static enum mark mark_of(const char *state)
{
    static const struct {
        const char *state;
        enum mark mark;
    } rows[] = {
        { "done", MARK_DONE },
        { "intent", MARK_NOW },
        { "applied", MARK_NOW },
        { "failed", MARK_FAILED },
        { "undoing", MARK_UNDOING },
        { "undone", MARK_UNDONE },
        { "completed", MARK_DONE },
        { "active", MARK_NOW },
        { "rolling-back", MARK_UNDOING },
        { "rolled-back", MARK_UNDONE },
        { "canceled", MARK_FAILED },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].state, state) == 0)
            return rows[i].mark;
    return MARK_LATER;
}

/* Cuts the line at the width, counting characters; escape sequences have none. Blanks at its end
 * go. */
static void end_line_at(struct drawing *d, int width)
{
    while (d->line.len > 0 && d->line.data[d->line.len - 1] == ' ')
        d->line.data[--d->line.len] = '\0';
    const char *p = cf_buf_str(&d->line);
    int used = 0;
    bool cut = false;
    while (*p) {
        if (*p == '\033') {
            size_t n = strcspn(p, "m");
            cf_buf_append(d->out, p, n + (p[n] == 'm'));
            p += n + (p[n] == 'm');
            continue;
        }
        bool begins = ((unsigned char)*p & 0xc0) != 0x80;
        used += begins;
        cut = cut || (width > 0 && used > width);
        if (!cut)
            cf_buf_putc(d->out, *p);
        p++;
    }
    cf_buf_putc(d->out, '\n');
    d->line.overflow = false;
    cf_buf_reset(&d->line);
}

static void end_line(struct drawing *d)
{
    end_line_at(d, d->options->width);
}

static void put_colored(struct drawing *d, const char *color, const char *text)
{
    if (d->options->color)
        cf_buf_printf(&d->line, "\033[%sm%s\033[0m", color, text);
    else
        cf_buf_puts(&d->line, text);
}

static void put_mark(struct drawing *d, enum mark m)
{
    put_colored(d, mark_colors[m], d->look->marks[m]);
    cf_buf_putc(&d->line, ' ');
}

/* Text of unknown origin on one line. */
static void put_text(struct drawing *d, const char *text)
{
    for (; *text; text++)
        cf_buf_putc(&d->line, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

static void put_padded(struct drawing *d, const char *text, int width)
{
    int used = 0;
    put_text(d, text);
    for (const char *p = text; *p; p++)
        used += ((unsigned char)*p & 0xc0) != 0x80;
    for (; used < width; used++)
        cf_buf_putc(&d->line, ' ');
}

/* ms between two members that are times; the end may be missing. -1: not begun. */
static int64_t took_ms(const struct drawing *d, const json_t *first, const json_t *last)
{
    int64_t from, to;
    if (!cf_time_parse(cf_json_str(first, "", "startedAt", NULL), &from))
        return -1;
    if (!cf_time_parse(cf_json_str(last, "", "finishedAt", NULL), &to))
        to = d->now_ms ? d->now_ms : from;
    return CF_MAX(to - from, (int64_t)0);
}

static void put_clock(struct drawing *d, int64_t ms)
{
    long long s = (long long)(ms / 1000);
    if (ms < 0)
        cf_buf_puts(&d->line, "         ");
    else if (s >= 3600)
        cf_buf_printf(&d->line, "%3lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        cf_buf_printf(&d->line, "    %02lld:%02lld", s / 60, s % 60);
}

static void put_weight(struct drawing *d, const json_t *weight)
{
    static const char *const names[] = { "desired", "applied", "observed" };
    cf_buf_puts(&d->line, "weight");
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        const json_t *w = cf_json_at(weight, names[i], NULL);
        if (json_is_real(w))
            cf_buf_printf(&d->line, "  %s %.1f", names[i], json_real_value(w));
        else if (json_is_integer(w))
            cf_buf_printf(&d->line, "  %s %lld", names[i], (long long)json_integer_value(w));
        else
            cf_buf_printf(&d->line, "  %s -", names[i]);
    }
    end_line(d);
}

static void put_gate(struct drawing *d, const json_t *gate)
{
    static const struct {
        const char *state, *color;
    } colors[] = { { "pass", "32" }, { "breach", "31" } };
    const char *state = cf_json_str(gate, "", "state", NULL), *color = "33";
    for (size_t i = 0; i < CF_ARRAY_LEN(colors); i++)
        if (strcmp(colors[i].state, state) == 0)
            color = colors[i].color;
    cf_buf_puts(&d->line, "gate    ");
    put_text(d, cf_json_str(gate, "", "name", NULL));
    cf_buf_putc(&d->line, ' ');
    put_colored(d, color, state);
    const json_t *value = cf_json_at(gate, "value", NULL),
                 *threshold = cf_json_at(gate, "threshold", NULL);
    if (json_is_number(value))
        cf_buf_printf(&d->line, "  %.2f%%", json_number_value(value) * 100);
    if (json_is_number(threshold))
        cf_buf_printf(&d->line, " %s %.2f%%", d->look->at_least,
                      json_number_value(threshold) * 100);
    cf_buf_printf(&d->line, "  %lld of %lld failed",
                  (long long)cf_json_int(gate, 0, "failures", NULL),
                  (long long)cf_json_int(gate, 0, "samples", NULL));
    int64_t needed = cf_json_int(gate, 0, "needed", NULL);
    if (needed > 0)
        cf_buf_printf(&d->line, ", %lld missing", (long long)needed);
    end_line(d);
}

static void put_head(struct drawing *d, const json_t *run)
{
    const char *state = cf_json_str(run, "", "state", NULL),
               *phase = cf_json_str(run, "", "phase", NULL);
    put_colored(d, "1", cf_json_str(run, "", "name", NULL));
    cf_buf_puts(&d->line, "  ");
    put_mark(d, mark_of(state));
    put_colored(d, "1", cf_run_has_ended(run) ? state : phase);
    put_clock(d, took_ms(d, run, run));
    cf_buf_printf(&d->line, "   %s %s %s", cf_json_str(run, "", "source", NULL), d->look->arrow,
                  cf_json_str(run, "", "target", NULL));
    if (d->options->note) {
        cf_buf_puts(&d->line, "   ");
        put_colored(d, "2", d->options->note);
    }
    end_line(d);
    put_weight(d, cf_json_at(run, "weight", NULL));
    size_t i;
    json_t *gate;
    json_array_foreach(cf_json_at(run, "gates", NULL), i, gate)
    {
        put_gate(d, gate);
    }
}

static bool is_traffic(const json_t *step)
{
    return strncmp(cf_json_str(step, "", "kind", NULL), "traffic.", 8) == 0;
}

/* How fast it counts and how long it will take, where that was measured. */
static void put_pace(struct drawing *d, const json_t *progress)
{
    const json_t *rate = cf_json_at(progress, "perSecond", NULL);
    const json_t *eta = cf_json_at(progress, "etaSeconds", NULL);
    if (!json_is_number(rate) || !json_is_number(eta))
        return;
    char left[CF_UNIT_TEXT_MAX];
    cf_buf_printf(&d->line, "%.0f/s, %s left  ", json_number_value(rate),
                  cf_duration_brief((int64_t)(json_number_value(eta) + 0.5) * 1000, left));
}

/* Mark, name, time, what is known: one line. `first` and `last` differ for several steps shown as
 * one. */
static void put_step(struct drawing *d, int width, const json_t *first, const json_t *last,
                     const json_t *shown)
{
    enum mark m = mark_of(cf_json_str(shown, "planned", "state", NULL));
    put_mark(d, m);
    put_padded(d, cf_json_str(first, "", "name", NULL), width);
    put_clock(d, took_ms(d, first, last));
    int64_t total = cf_json_int(shown, 0, "progress", "total", NULL);
    cf_buf_puts(&d->line, "  ");
    if (total > 0)
        cf_buf_printf(&d->line, "%lld/%lld  ",
                      (long long)cf_json_int(shown, 0, "progress", "done", NULL), (long long)total);
    put_pace(d, cf_json_at(shown, "progress", NULL));
    put_text(d, cf_json_str(shown, "", "message", NULL));
    end_line(d);
}

/* The step that says most about the whole: the one under way or failed, else the last that was
 * begun, else the first. */
static const json_t *telling(const json_t *steps, size_t from, size_t to)
{
    const json_t *best = json_array_get(steps, from);
    for (size_t i = from; i < to; i++) {
        const json_t *s = json_array_get(steps, i);
        enum mark m = mark_of(cf_json_str(s, "planned", "state", NULL));
        if (m == MARK_NOW || m == MARK_FAILED || m == MARK_UNDOING)
            return s;
        if (m != MARK_LATER)
            best = s;
    }
    return best;
}

/* Whether all of it is over, so that the branch's mark is that of its end. */
static enum mark mark_of_branch(const json_t *steps, size_t from, size_t to)
{
    enum mark first = mark_of(cf_json_str(json_array_get(steps, from), "planned", "state", NULL));
    for (size_t i = from; i < to; i++) {
        enum mark m = mark_of(cf_json_str(json_array_get(steps, i), "planned", "state", NULL));
        if (m == MARK_FAILED || m == MARK_UNDOING)
            return m;
        if (m != first)
            first = m == MARK_UNDONE || first == MARK_UNDONE ? MARK_UNDONE : MARK_NOW;
    }
    return first;
}

/* The last of the steps from `at` on that belong to the same weight: a shift and its soak. */
static size_t end_of_weight(const json_t *steps, size_t at, size_t end)
{
    for (at++; at < end; at++)
        if (strcmp(cf_json_str(json_array_get(steps, at), "", "kind", NULL), "traffic.shift") == 0)
            break;
    return at;
}

static void put_traffic(struct drawing *d, const json_t *steps, size_t from, size_t to,
                        bool is_last)
{
    const json_t *first = json_array_get(steps, from);
    cf_buf_puts(&d->line, is_last ? d->look->last : d->look->branch);
    put_mark(d, mark_of_branch(steps, from, to));
    put_padded(d, "traffic", NAME_WIDTH);
    put_clock(d, took_ms(d, first, json_array_get(steps, to - 1)));
    end_line(d);
    for (size_t i = from; i < to;) {
        size_t next = end_of_weight(steps, i, to);
        const json_t *begins = json_array_get(steps, i);
        cf_buf_puts(&d->line, is_last ? d->look->gap : d->look->bar);
        cf_buf_puts(&d->line, next == to ? d->look->last : d->look->branch);
        put_step(d, NAME_WIDTH - INDENT, begins, json_array_get(steps, next - 1),
                 telling(steps, i, next));
        i = next;
    }
}

static void put_steps(struct drawing *d, const json_t *steps)
{
    size_t n = json_array_size(steps);
    for (size_t i = 0; i < n;) {
        const json_t *step = json_array_get(steps, i);
        size_t next = i + 1;
        while (is_traffic(step) && next < n && is_traffic(json_array_get(steps, next)))
            next++;
        if (is_traffic(step)) {
            put_traffic(d, steps, i, next, next == n);
        } else {
            cf_buf_puts(&d->line, next == n ? d->look->last : d->look->branch);
            put_step(d, NAME_WIDTH, step, step, step);
        }
        i = next;
    }
}

static void put_labelled(struct drawing *d, const char *label, const char *color, const char *text)
{
    if (!text || !*text)
        return;
    put_colored(d, color, label);
    cf_buf_puts(&d->line, "  ");
    put_text(d, text);
    end_line(d);
}

/* Why it does not move, and what to do about it. */
static void put_hold(struct drawing *d, const json_t *run)
{
    const json_t *hold = cf_json_at(run, "hold", NULL);
    const json_t *call = cf_json_at(run, "callToAction", NULL);
    if (!json_is_object(hold))
        return;
    cf_autofree char *text = cf_xasprintf("%s: %s", cf_json_str(hold, "", "reason", NULL),
                                          cf_json_str(hold, "", "message", NULL));
    put_labelled(d, "holds", "33", text);
    put_labelled(d, "do   ", "36", cf_json_str(call, NULL, "text", NULL));
    put_labelled(d, "next ", "36",
                 json_is_string(call) ? json_string_value(call)
                                      : cf_json_str(call, NULL, "command", NULL));
}

/* How a person sends the traffic back without us, or why that cannot be. A command is never cut. */
static void put_way_back(struct drawing *d, const json_t *run)
{
    const char *missing = cf_json_str(run, NULL, "noWayBack", NULL);
    size_t i;
    json_t *router;
    json_array_foreach(cf_json_at(run, "routers", NULL), i, router)
    {
        const char *line = cf_json_str(router, "", "kubectl", NULL);
        if (!*line)
            continue;
        put_colored(d, "36", "back ");
        cf_buf_puts(&d->line, "  ");
        put_text(d, line);
        end_line_at(d, 0);
    }
    cf_autofree char *none = missing ? cf_xasprintf("none: %s", missing) : NULL;
    put_labelled(d, "back ", "2", none);
}

void cf_run_way_back(const json_t *run, struct cf_buf *out)
{
    struct drawing d = {
        .options = &(struct cf_tree_options){ .width = 0 },
        .look = &ascii_look,
        .out = out,
        .line = CF_BUF_INIT(LINE_MAX_BYTES),
    };
    put_way_back(&d, run);
    cf_buf_free(&d.line);
}

static void put_foot(struct drawing *d, const json_t *run)
{
    put_labelled(d, "data ", "36", cf_json_str(run, NULL, "volumes", "text", NULL));
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_at(run, "warnings", NULL), i, w)
    {
        put_labelled(d, "warning", "33",
                     json_is_string(w)
                         ? json_string_value(w)
                         : cf_json_str(w, cf_json_str(w, "", "detail", NULL), "message", NULL));
    }
    cf_autofree char *report =
        cf_xasprintf("crossfade run report %s", cf_json_str(run, "", "name", NULL));
    if (!cf_run_has_ended(run)) {
        put_hold(d, run);
        put_way_back(d, run);
        return;
    }
    put_labelled(d, "end  ", "1", cf_json_str(run, NULL, "message", NULL));
    put_way_back(d, run);
    put_labelled(d, "next ", "36", report);
}

void cf_run_tree(const json_t *run, const struct cf_tree_options *options, struct cf_buf *out)
{
    struct drawing d = {
        .options = options,
        .now_ms = options->now_ms,
        .look = options->ascii ? &ascii_look : &utf8_look,
        .out = out,
        .line = CF_BUF_INIT(LINE_MAX_BYTES),
    };
    if (cf_run_has_ended(run))
        (void)!cf_time_parse(cf_json_str(run, "", "finishedAt", NULL), &d.now_ms);
    put_head(&d, run);
    put_steps(&d, cf_json_at(run, "steps", NULL));
    put_foot(&d, run);
    cf_buf_free(&d.line);
}
