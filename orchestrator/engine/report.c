/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of runs (report.h). */
#include "orchestrator/engine/report.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "orchestrator/engine/moves.h"
#include "orchestrator/engine/step.h"
#include "orchestrator/engine/way_back.h"

/* What happened, and a line for each router. */
enum { TEXT_MAX = 4096 + CF_PLAN_ROUTERS_MAX * CF_ROUTER_LINE_MAX };

static json_t *time_json(int64_t wall_ms)
{
    char text[CF_TIME_TEXT_MAX];
    return wall_ms > 0 ? json_string(cf_time_rfc3339(wall_ms, text)) : json_null();
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cf_report_gates(const struct cf_gates_view *view)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < view->n_gates; i++) {
        const struct cf_gate_now *g = &view->gates[i];
        json_array_append_new(
            rows, json_pack("{s:s,s:s,s:o,s:o,s:o,s:I,s:I,s:I,s:o,s:o,s:s}", "name", g->name,
                            "state", cf_verdict_name(g->j.verdict), "value", number(g->j.value),
                            "threshold", number(g->min), "upper", number(g->j.upper), "needed",
                            (json_int_t)g->j.missing, "samples", (json_int_t)g->j.n, "failures",
                            (json_int_t)g->j.k, "lastAt", time_json(g->j.newest_ms), "evidence",
                            number(g->j.evidence), "text", g->j.text));
    }
    return rows;
}

json_t *cf_report_routers(const struct cf_live *run, const struct cf_run *rows)
{
    json_t *out = json_array();
    for (size_t i = 0; i < run->n_routers; i++) {
        const struct cf_run_router *r = &run->routers[i];
        const struct cf_router_row *row = &rows->routers[i];
        CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT(CF_ROUTER_LINE_MAX);
        cf_way_back_line(r, &line);
        json_t *one = json_pack(
            "{s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:o}", "name", r->name, "type", row->type, "cluster",
            r->cluster, "namespace", row->ns, "object", row->object, "weight", r->weight, "inSync",
            row->in_sync || row->weight == row->want, "lastWriteAt", time_json(row->written_ms));
        json_object_set_new(one, "want",
                            row->want == CF_NONE ? json_null() : json_integer(row->want));
        if (line.len > 0)
            json_object_set_new(one, "kubectl", json_string(cf_buf_str(&line)));
        json_array_append_new(out, one);
    }
    return out;
}

/* ---- the report ---- */

static json_t *report_steps(const struct cf_live *run)
{
    json_t *out = json_array();
    for (size_t i = 0; i < run->n_steps; i++) {
        const struct cf_step *s = &run->steps[i];
        const struct cf_step_kind *kind = cf_step_kind_find(s->kind);
        json_t *one = json_pack("{s:i,s:s,s:s,s:s,s:s,s:i,s:s,s:o,s:o}", "no", s->no, "kind",
                                s->kind, "name", s->name, "phase", kind ? kind->phase : "", "state",
                                cf_step_state_name(s->state), "attempt", s->attempt, "message",
                                s->message, "startedAt", time_json(s->started_ms), "finishedAt",
                                time_json(s->finished_ms));
        if (s->started_ms && s->finished_ms)
            json_object_set_new(one, "durationMs",
                                json_integer(CF_MAX(0, s->finished_ms - s->started_ms)));
        json_array_append_new(out, one);
    }
    return out;
}

static json_t *report_weights(const struct cf_event_list *weights)
{
    json_t *out = json_array();
    for (size_t i = 0; i < weights->n; i++)
        json_array_append_new(
            out, json_pack("{s:o,s:s,s:I}", "at", time_json(weights->rows[i].at_ms), "router",
                           cf_json_str(weights->rows[i].body, "", "router", NULL), "weight",
                           (json_int_t)cf_json_int(weights->rows[i].body, 0, "applied", NULL)));
    return out;
}

static void put_span(json_t *out, const char *key, int64_t from, int64_t to)
{
    if (from > 0 && to >= from)
        json_object_set_new(out, key, json_integer(to - from));
}

/* Fault seen → decision → patch on the wire → routers home → last failed sample. */
static json_t *report_rollback(const json_t *memo)
{
    json_t *out = json_object();
    int64_t bad = cf_json_int(memo, 0, "firstBadAt", NULL);
    int64_t decided = cf_json_int(memo, 0, "decidedAt", NULL);
    int64_t sent = cf_json_int(memo, 0, "patchSentAt", NULL);
    int64_t home = cf_json_int(memo, 0, "patchDoneAt", NULL);
    int64_t last = cf_json_int(memo, 0, "lastBadAt", NULL);
    json_object_set_new(out, "cause", json_string(cf_json_str(memo, "", "cause", NULL)));
    json_object_set_new(out, "reason", json_string(cf_json_str(memo, "", "reason", NULL)));
    json_object_set_new(out, "by", json_string(cf_json_str(memo, "", "by", NULL)));
    json_object_set_new(out, "firstBadAt", time_json(bad));
    json_object_set_new(out, "decidedAt", time_json(decided));
    json_object_set_new(out, "patchSentAt", time_json(sent));
    json_object_set_new(out, "patchDoneAt", time_json(home));
    json_object_set_new(out, "lastBadAt", time_json(last));
    put_span(out, "decisionMs", bad, decided);
    put_span(out, "patchMs", decided, home);
    put_span(out, "totalMs", bad > 0 ? bad : decided, CF_MAX(last, home));
    return out;
}

/* As it was told when the writers stopped; before that, by what is known now. */
static json_t *forecast_json(const struct cf_live *run)
{
    const struct cf_step *quiesce = cf_run_step(run, "quiesce");
    const json_t *told = quiesce ? cf_json_at(quiesce->intent, "forecast", NULL) : NULL;
    struct cf_forecast f;
    if (told)
        return cf_json_copy(told);
    cf_moves_forecast(run, &f);
    return cf_forecast_json(&f);
}

static void put_freeze(const char *who, const json_t *freeze, struct cf_buf *out)
{
    if (!freeze)
        return;
    cf_buf_printf(out, "; %s stood still for ", who);
    cf_freeze_say(freeze, out);
}

static char *volumes_text(const struct cf_live *run, const json_t *freeze, const json_t *back)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(TEXT_MAX);
    const json_t *good = cf_moves_note(run, "good");
    struct cf_forecast f;
    cf_buf_printf(&text, "%zu claims, %d passes before the freeze",
                  json_array_size(cf_moves_claims(run)), (int)json_integer_value(good));
    put_freeze("the source's writers", freeze, &text);
    put_freeze("the target's writers, on the way back,", back, &text);
    if (cf_moves_writers(run) == CF_WRITERS_AT_SOURCE && !freeze && json_integer_value(good) > 0) {
        cf_moves_forecast(run, &f);
        cf_buf_puts(&text, "; a freeze would take ");
        cf_forecast_say(&f, &text);
    }
    return cf_xstrdup(cf_buf_str(&text));
}

json_t *cf_report_volumes(const struct cf_live *run)
{
    if (json_array_size(cf_moves_claims(run)) == 0)
        return NULL;
    const json_t *reports = cf_moves_note(run, "reports");
    const json_t *freeze = cf_moves_note(run, "freeze"), *back = cf_moves_note(run, "freezeBack");
    json_t *out =
        json_pack("{s:i,s:O?,s:o,s:O?,s:o,s:O?,s:O?,s:O?}", "claims",
                  (int)json_array_size(cf_moves_claims(run)), "passes", cf_moves_note(run, "good"),
                  "reports", reports ? json_incref(cf_json_unconst(reports)) : json_array(),
                  "reportsBack", cf_moves_note(run, "reportsBack"), "forecast", forecast_json(run),
                  "freeze", freeze, "freezeBack", back, "trouble", cf_moves_note(run, "trouble"));
    cf_autofree char *text = volumes_text(run, freeze, back);
    json_object_set_new(out, "text", json_string(text));
    return out;
}

static void put_brief(struct cf_buf *out, const char *what, int64_t ms)
{
    if (ms < 0)
        return;
    cf_buf_printf(out, "%s %.1f s", what, (double)ms / 1000.0);
}

static void text_of(const struct cf_live *run, const json_t *rollback, struct cf_buf *out)
{
    char took[CF_UNIT_TEXT_MAX];
    int64_t end = run->finished_ms ? run->finished_ms : run->created_ms;
    cf_buf_printf(out, "%s: %s", run->name, cf_run_state_name(run->state));
    if (run->finished_ms)
        cf_buf_printf(out, " after %s", cf_duration_brief(end - run->created_ms, took));
    if (rollback) {
        cf_buf_printf(out, ". Rolled back by %s: %s.", cf_json_str(rollback, "?", "cause", NULL),
                      cf_json_str(rollback, "", "reason", NULL));
        put_brief(out,
                  " First bad look to decision:", cf_json_int(rollback, -1, "decisionMs", NULL));
        put_brief(out, "; decision to routers home:", cf_json_int(rollback, -1, "patchMs", NULL));
        put_brief(out,
                  "; first to last failed sample:", cf_json_int(rollback, -1, "totalMs", NULL));
    }
    struct cf_step *last = cf_run_step(run, "cleanup");
    if (last && last->state == CF_STEP_DONE)
        cf_buf_printf(out, ". %s", last->message);
}

/* Below what happened: how a person sends the traffic back without us, or why that cannot be. */
static void put_way_back(const struct cf_live *run, const json_t *lines, struct cf_buf *out)
{
    const char *missing = cf_way_back_missing(run);
    size_t i;
    json_t *line;
    json_array_foreach(cf_json_unconst(lines), i, line)
    {
        cf_buf_printf(out, "\nback   %s", json_string_value(line));
    }
    if (missing)
        cf_buf_printf(out, "\nback   none: %s", missing);
}

json_t *cf_run_report(const struct cf_live *run, const struct cf_run *rows,
                      const struct cf_event_list *weights)
{
    const json_t *memo = cf_memo(run, "rollback");
    const json_t *left = cf_memo(run, "left");
    json_t *report = json_object();
    cf_autojson json_t *rollback = memo ? report_rollback(memo) : NULL;
    cf_autojson json_t *lines = cf_way_back_lines(run);
    const char *missing = cf_way_back_missing(run);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(TEXT_MAX);
    cf_autojson json_t *volumes = cf_report_volumes(run);
    text_of(run, rollback, &text);
    if (volumes)
        cf_buf_printf(&text, ". Volumes: %s", cf_json_str(volumes, "", "text", NULL));
    put_way_back(run, lines, &text);
    json_object_set_new(report, "run", json_string(run->name));
    json_object_set_new(report, "id", json_string(run->id));
    json_object_set_new(report, "plan", json_string(run->plan_name));
    json_object_set_new(report, "revision", json_integer(run->revision));
    json_object_set_new(report, "state", json_string(cf_run_state_name(run->state)));
    json_object_set_new(report, "phase", json_string(cf_run_phase(run)));
    json_object_set_new(report, "startedAt", time_json(run->created_ms));
    json_object_set_new(report, "finishedAt", time_json(run->finished_ms));
    json_object_set_new(report, "steps", report_steps(run));
    json_object_set_new(report, "weights", report_weights(weights));
    json_object_set_new(report, "routers", cf_report_routers(run, rows));
    json_object_set_new(report, "volumes", volumes ? json_incref(volumes) : json_null());
    json_object_set_new(report, "rollback", rollback ? json_incref(rollback) : json_null());
    json_object_set_new(report, "left", left ? cf_json_copy(left) : json_array());
    json_object_set(report, "kubectl", lines);
    json_object_set_new(report, "noWayBack", missing ? json_string(missing) : json_null());
    json_object_set_new(report, "text", json_string(cf_buf_str(&text)));
    return report;
}
