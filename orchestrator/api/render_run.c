/* SPDX-License-Identifier: Apache-2.0 */
/* Runs, steps, actions and events as the API shows them. */
#include "base/clock.h"
#include "orchestrator/api/render.h"

json_t *cf_render_time(int64_t wall_ms)
{
    char text[CF_TIME_TEXT_MAX];
    return wall_ms > 0 ? json_string(cf_time_rfc3339(wall_ms, text)) : json_null();
}

static json_t *json_or_null(const json_t *j)
{
    return j ? json_incref(cf_json_unconst(j)) : json_null();
}

static json_t *percent(int weight)
{
    return weight == CF_NONE ? json_null() : json_integer(weight);
}

static json_t *weight_of(const struct cf_run_row *row)
{
    return json_pack("{s:o,s:o,s:o}", "desired", percent(row->weight_desired), "applied",
                     percent(row->weight_applied), "observed",
                     row->weight_observed >= 0 ? json_real(row->weight_observed) : json_null());
}

json_t *cf_render_run_row(const struct cf_run_row *row)
{
    char id[CF_EVENT_ID_TEXT];
    json_t *j = json_pack("{s:s,s:o,s:s,s:i,s:i,s:s,s:s,s:s,s:s}", "id", row->id, "name",
                          json_sprintf("%s/%d", row->plan, row->number), "plan", row->plan,
                          "number", row->number, "revision", row->revision, "digest", row->digest,
                          "state", row->state, "phase", row->phase, "message", row->message);
    json_object_set_new(j, "source", json_string(row->source));
    json_object_set_new(j, "target", json_string(row->target));
    json_object_set_new(j, "hold", json_or_null(row->hold));
    json_object_set_new(j, "weight", weight_of(row));
    json_object_set_new(j, "step", row->step == CF_NONE ? json_null() : json_integer(row->step));
    json_object_set_new(j, "progress", json_or_null(row->progress));
    json_object_set_new(j, "warnings", json_or_null(row->warnings));
    json_object_set_new(j, "labels", json_or_null(row->labels));
    json_object_set_new(j, "startedBy", json_string(row->started_by));
    json_object_set_new(j, "reason", json_string(row->start_reason));
    json_object_set_new(j, "openActions", json_integer(row->open_actions));
    json_object_set_new(j, "startedAt", cf_render_time(row->created_ms));
    json_object_set_new(j, "updatedAt", cf_render_time(row->updated_ms));
    json_object_set_new(j, "committedAt", cf_render_time(row->committed_ms));
    json_object_set_new(j, "finishedAt", cf_render_time(row->finished_ms));
    json_object_set_new(j, "seq", json_integer(row->seq));
    json_object_set_new(j, "lastEvent", json_string(cf_event_id_text(row->last_event, id)));
    return j;
}

json_t *cf_render_step(const struct cf_step_row *row, bool whole)
{
    json_t *j =
        json_pack("{s:i,s:s,s:s,s:s,s:i,s:s,s:o,s:o,s:o}", "no", row->no, "kind", row->kind, "name",
                  row->name, "state", row->state, "attempt", row->attempt, "message", row->message,
                  "progress", json_or_null(row->progress), "startedAt",
                  cf_render_time(row->started_ms), "finishedAt", cf_render_time(row->finished_ms));
    if (!whole)
        return j;
    json_object_set_new(j, "updatedAt", cf_render_time(row->updated_ms));
    json_object_set_new(j, "params", json_or_null(row->params));
    json_object_set_new(j, "intent", json_or_null(row->intent));
    json_object_set_new(j, "observation", json_or_null(row->observation));
    return j;
}

/* What the engine knows better, from memory, replaces what the rows say. */
static void merge_view(json_t *j, const json_t *view)
{
    const json_t *observed = cf_json_at(view, "observed", NULL);
    const char *key;
    json_t *value;
    if (json_is_number(observed))
        json_object_set(json_object_get(j, "weight"), "observed", cf_json_unconst(observed));
    json_object_foreach(cf_json_unconst(view), key, value)
    {
        if (value != observed)
            json_object_set(j, key, value);
    }
}

json_t *cf_render_run(const struct cf_run *run, const json_t *view)
{
    json_t *j = cf_render_run_row(&run->row);
    json_t *steps = json_array();
    for (size_t i = 0; i < run->n_steps; i++)
        json_array_append_new(steps, cf_render_step(&run->steps[i], false));
    json_object_set_new(j, "steps", steps);
    json_object_set_new(j, "gates", json_array());
    json_object_set_new(j, "routers", json_array());
    json_object_set_new(j, "callToAction",
                        json_or_null(cf_json_at(run->row.hold, "callToAction", NULL)));
    if (view)
        merge_view(j, view);
    return j;
}

json_t *cf_render_action(const struct cf_action_row *row)
{
    return json_pack("{s:o,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "id",
                     json_sprintf("%lld", (long long)row->id), "run", row->run_name, "runId",
                     row->run_id, "action", row->action, "reason", row->reason, "actor",
                     row->principal, "state", row->state, "message", row->message, "expect",
                     json_or_null(row->expect), "createdAt", cf_render_time(row->created_ms),
                     "answeredAt", cf_render_time(row->answered_ms));
}

json_t *cf_render_event(const struct cf_event_row *row)
{
    char id[CF_EVENT_ID_TEXT];
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:o,s:s}", "id", cf_event_id_text(row->id, id), "kind", row->kind,
                  "subject", row->subject, "at", cf_render_time(row->at_ms), "actor", row->actor);
    if (*row->run_id) {
        json_object_set_new(j, "run", json_string(row->run_name));
        json_object_set_new(j, "runId", json_string(row->run_id));
        json_object_set_new(j, "seq", json_integer(row->seq));
        json_object_set_new(j, "step", row->step < 0 ? json_null() : json_integer(row->step));
    }
    json_object_set(j, "data", row->body);
    return j;
}
