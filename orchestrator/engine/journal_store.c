/* SPDX-License-Identifier: Apache-2.0 */
/* The journal port over the store (journal_store.h). */
#include "orchestrator/engine/journal_store.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "orchestrator/engine/message.h"
#include "orchestrator/engine/pass.h"
#include "orchestrator/engine/way_back.h"
#include "store/images.h"
#include "store/settings.h"

/* ---- rows → run ---- */

static bool read_steps(struct cf_live *run, const struct cf_run *rows, struct cf_error *err)
{
    run->steps = cf_arena_alloc(run->arena, rows->n_steps * sizeof *run->steps + 1);
    for (size_t i = 0; i < rows->n_steps; i++) {
        const struct cf_step_row *row = &rows->steps[i];
        struct cf_step *s = &run->steps[i];
        if (!cf_step_state_parse(row->state, &s->state))
            return cf_error_set(err, CF_ERR_INVALID, "step %d: unknown state \"%s\"", row->no,
                                row->state);
        s->no = row->no;
        s->kind = cf_arena_strdup(run->arena, row->kind);
        s->name = cf_arena_strdup(run->arena, row->name);
        s->params = json_incref(row->params);
        s->attempt = row->attempt;
        s->intent = json_incref(row->intent);
        s->observation = json_incref(row->observation);
        cf_step_progress_read(s, row->progress);
        (void)snprintf(s->message, sizeof s->message, "%s", row->message);
        s->started_ms = row->started_ms;
        s->finished_ms = row->finished_ms;
        run->n_steps = i + 1;
    }
    return true;
}

static void read_routers(struct cf_live *run, const struct cf_run *rows)
{
    run->routers = cf_arena_alloc(run->arena, rows->n_routers * sizeof *run->routers + 1);
    run->n_routers = rows->n_routers;
    for (size_t i = 0; i < rows->n_routers; i++) {
        const struct cf_router_row *row = &rows->routers[i];
        struct cf_run_router *r = &run->routers[i];
        r->idx = row->idx;
        r->name = cf_arena_strdup(run->arena, row->name);
        r->cluster = cf_arena_strdup(run->arena, row->cluster);
        r->baseline = json_incref(row->baseline);
        r->restore = json_incref(row->restore);
        (void)snprintf(r->arm, sizeof r->arm, "%s", row->arm);
        (void)snprintf(r->seq, sizeof r->seq, "%s", row->seq);
        r->epoch = row->epoch;
        r->weight = row->weight == CF_NONE ? 0 : row->weight;
        r->adopted = cf_json_bool(row->memo, false, "adopted", NULL);
        if (cf_json_bool(row->memo, false, "retake", NULL))
            r->epoch = 0;
    }
}

static void read_actions(struct cf_live *run, const struct cf_run *rows)
{
    run->actions = cf_arena_alloc(run->arena, rows->n_actions * sizeof *run->actions + 1);
    run->n_actions = rows->n_actions;
    for (size_t i = 0; i < rows->n_actions; i++) {
        const struct cf_action_row *row = &rows->actions[i];
        struct cf_run_action *a = &run->actions[i];
        a->id = row->id;
        a->action = cf_arena_strdup(run->arena, row->action);
        a->reason = cf_arena_strdup(run->arena, row->reason);
        a->principal = cf_arena_strdup(run->arena, row->principal);
        a->expect = json_incref(row->expect);
    }
}

static void read_hold(struct cf_live *run, const json_t *hold)
{
    if (!cf_hold_parse(cf_json_str(hold, "", "reason", NULL), &run->hold.reason))
        run->hold.reason = CF_HOLD_NONE;
    (void)snprintf(run->hold.message, sizeof run->hold.message, "%s",
                   cf_json_str(hold, "", "message", NULL));
}

struct cf_live *cf_live_of_rows(const struct cf_run *rows, const char *incarnation,
                                struct cf_error *err)
{
    CF_CLEANUP(cf_live_free_p) struct cf_live *run = cf_xcalloc(1, sizeof *run);
    const struct cf_run_row *row = &rows->row;
    run->arena = cf_arena_new(0);
    run->memo = row->memo ? cf_json_copy(row->memo) : json_object();
    memcpy(run->id, row->id, sizeof run->id);
    (void)snprintf(run->incarnation, sizeof run->incarnation, "%s", incarnation);
    run->name = cf_arena_printf(run->arena, "%s/%d", row->plan, row->number);
    run->plan_name = cf_arena_strdup(run->arena, row->plan);
    run->revision = row->revision;
    run->rev = row->rev;
    run->shard = row->shard;
    run->desired = row->weight_desired;
    run->applied = row->weight_applied;
    run->observed = row->weight_observed < 0 ? -1 : (int)(row->weight_observed + 0.5);
    run->created_ms = row->created_ms;
    run->finished_ms = row->finished_ms;
    read_hold(run, row->hold);
    if (!cf_run_state_parse(row->state, &run->state)) {
        cf_error_set(err, CF_ERR_INVALID, "run %s: unknown state \"%s\"", run->name, row->state);
        return NULL;
    }
    run->plan = cf_plan_from_effective(rows->effective, err);
    if (!run->plan || !read_steps(run, rows, err)) {
        cf_error_wrap(err, "run %s", run->name);
        return NULL;
    }
    read_routers(run, rows);
    read_actions(run, rows);
    return cf_steal(&run);
}

static bool load(void *self, const char *run_id, struct cf_live **out, struct cf_error *err)
{
    CF_CLEANUP(cf_run_free) struct cf_run rows = { 0 };
    char incarnation[CF_UUID_TEXT];
    if (!cf_store_incarnation(self, incarnation, err) || !cf_run_load(self, run_id, &rows, err))
        return false;
    struct cf_live *run = cf_live_of_rows(&rows, incarnation, err);
    if (!run)
        return false;
    *out = run;
    return true;
}

/* ---- run → one record ---- */

json_t *cf_hold_json(const struct cf_live *run)
{
    if (run->hold.reason == CF_HOLD_NONE)
        return NULL;
    const struct cf_hold_row *row = &cf_hold_rows[run->hold.reason];
    CF_CLEANUP(cf_buf_free) struct cf_buf command = CF_BUF_INIT(1024);
    struct cf_hold_names names = { .run = run->name,
                                   .source = run->plan->source_cluster,
                                   .target = run->plan->target_cluster };
    cf_hold_command(run->hold.reason, &names, &command);
    json_t *call = json_pack("{s:s}", "text", row->call);
    if (command.len > 0)
        json_object_set_new(call, "command", json_string(cf_buf_str(&command)));
    json_object_set_new(call, "kubectl", cf_way_back_lines(run));
    return json_pack("{s:s,s:s,s:o}", "reason", row->name, "message", run->hold.message,
                     "callToAction", call);
}

static size_t put_steps(const struct cf_live *run, struct cf_step_update *rows, json_t *keep)
{
    size_t n = 0;

    for (size_t i = 0; i < run->n_steps; i++) {
        const struct cf_step *s = &run->steps[i];
        if (!s->changed)
            continue;
        struct cf_step_update u = CF_STEP_UPDATE(s->no);
        json_t *progress = cf_step_progress_json(s);
        json_array_append_new(keep, progress);
        u.state = cf_step_state_name(s->state);
        u.message = s->message;
        u.attempt = s->attempt;
        if (s->intent_changed)
            u.intent = s->intent ? s->intent : json_null();
        if (s->observation_changed)
            u.observation = s->observation ? s->observation : json_null();
        u.progress = progress;
        u.started = s->begun;
        u.finished = s->finished_ms != 0 && !s->begun;
        rows[n++] = u;
    }
    return n;
}

static size_t put_routers(const struct cf_live *run, struct cf_router_update *rows, json_t *keep)
{
    size_t n = 0;
    for (size_t i = 0; i < run->n_routers; i++) {
        const struct cf_run_router *r = &run->routers[i];
        if (!r->changed)
            continue;
        struct cf_router_update u = CF_ROUTER_UPDATE(r->idx);
        json_t *memo =
            json_pack("{s:b,s:b}", "adopted", r->adopted, "retake", r->adopted && r->epoch == 0);
        json_array_append_new(keep, memo);
        u.arm = r->arm;
        u.seq = r->seq;
        u.epoch = r->epoch;
        u.weight = r->weight;
        u.want = run->desired < 0 ? CF_NONE : run->desired;
        u.baseline = r->baseline ? r->baseline : json_null();
        u.restore = r->restore ? r->restore : json_null();
        u.memo = memo;
        u.written = true;
        rows[n++] = u;
    }
    return n;
}

static size_t put_answers(const struct cf_live *run, struct cf_action_answer *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < run->n_actions; i++)
        if (run->actions[i].answered)
            rows[n++] = (struct cf_action_answer){
                .id = run->actions[i].id,
                .state = run->actions[i].refused ? CF_ACTION_REFUSED : CF_ACTION_DONE,
                .message = run->actions[i].answer,
            };
    return n;
}

static size_t put_events(const json_t *events, struct cf_event_new *rows)
{
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        if (i >= CF_EVENTS_PER_RECORD)
            break;
        const char *actor = cf_json_str(event, "", "actor", NULL);
        rows[i] = (struct cf_event_new){
            .kind = cf_json_str(event, "run.noted", "kind", NULL),
            .step = (int)cf_json_int(event, -1, "step", NULL),
            .actor = *actor ? actor : NULL,
            .body = cf_json_at(event, "body", NULL),
        };
    }
    return i;
}

static const char *put_message(const struct cf_live *run, json_t *keep)
{
    char text[CF_RUN_MESSAGE_MAX];
    cf_run_message(run, text);
    json_array_append_new(keep, json_string(text));
    return json_string_value(json_array_get(keep, json_array_size(keep) - 1));
}

/* Of the step under way, when it counts. */
static const json_t *put_progress(const struct cf_step *current, json_t *keep)
{
    if (!current || current->total == 0 || current->state == CF_STEP_PLANNED)
        return NULL;
    json_t *progress = cf_step_progress_json(current);
    json_object_set_new(progress, "step", json_integer(current->no));
    json_array_append_new(keep, progress);
    return progress;
}

static void put_run(struct cf_live *run, int64_t wake_ms, struct cf_run_update *u, json_t *keep)
{
    struct cf_step *current = cf_run_current(run);
    json_t *hold = cf_hold_json(run);
    u->state = cf_run_state_name(run->state);
    u->phase = cf_run_phase(run);
    u->message = put_message(run, keep);
    u->step = current ? current->no : CF_KEEP;
    u->weight_desired = run->desired;
    u->weight_applied = run->applied;
    u->weight_observed = run->observed;
    u->hold = hold;
    u->clear_hold = !hold;
    u->wake_in_ms = wake_ms;
    u->progress = put_progress(current, keep);
    u->clear_progress = !u->progress;
    u->memo = run->memo;
    u->committed = cf_run_is_disarmed(run);
    u->finished = cf_run_state_is_terminal(run->state);
    u->release_claims = u->finished;
    if (hold)
        json_array_append_new(keep, hold);
}

static void clear_marks(struct cf_live *run)
{
    size_t open = 0;
    run->changed = false;
    cf_run_copies_recorded(run);
    for (size_t i = 0; i < run->n_steps; i++)
        cf_step_recorded(&run->steps[i]);
    for (size_t i = 0; i < run->n_routers; i++)
        run->routers[i].changed = false;
    for (size_t i = 0; i < run->n_actions; i++) {
        if (!run->actions[i].answered)
            run->actions[open++] = run->actions[i];
        else
            json_decref(run->actions[i].expect);
    }
    run->n_actions = open;
}

static void log_transitions(const struct cf_live *run, const struct cf_event_new *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *message = cf_json_str(events[i].body, "", "message", NULL);
        cf_log(CF_LOG_INFO, events[i].kind, message, CF_S("name", run->name),
               CF_I("step", events[i].step), CF_S("actor", events[i].actor));
    }
}

static bool record(void *self, const struct cf_fence *fence, struct cf_live *run,
                   const json_t *events, int64_t wake_ms, enum cf_record *out, struct cf_error *err)
{
    cf_autojson json_t *keep =
        json_array(); /* what the update borrows until the statement was sent */
    struct cf_arena *arena = cf_arena_new(0);
    struct cf_step_update *steps = cf_arena_alloc(arena, run->n_steps * sizeof *steps + 1);
    struct cf_router_update *routers = cf_arena_alloc(arena, run->n_routers * sizeof *routers + 1);
    struct cf_action_answer *answers = cf_arena_alloc(arena, run->n_actions * sizeof *answers + 1);
    struct cf_event_new *rows = cf_arena_alloc(arena, CF_EVENTS_PER_RECORD * sizeof *rows);
    struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT };
    struct cf_run_recorded recorded = { .outcome = CF_RECORDED };
    put_run(run, wake_ms, &change.run, keep);
    change.steps = steps;
    change.n_steps = put_steps(run, steps, keep);
    change.routers = routers;
    change.n_routers = put_routers(run, routers, keep);
    change.answers = answers;
    change.n_answers = put_answers(run, answers);
    cf_autojson json_t *copies = cf_run_copies_changes(run);
    change.copies = copies;
    change.events = rows;
    change.n_events = put_events(events, rows);
    bool ok = cf_run_record(self, fence, run->id, run->rev, &change, &recorded, err);
    if (ok && recorded.outcome == CF_RECORDED) {
        run->rev = recorded.rev;
        log_transitions(run, rows, change.n_events);
        clear_marks(run);
    }
    if (ok)
        *out = recorded.outcome;
    cf_arena_free(arena);
    return ok;
}

/* ---- the rest ---- */

static bool copies(void *self, const char *run_id, json_t **out, struct cf_error *err)
{
    return cf_run_copies(self, run_id, out, err);
}

static bool frozen(void *self, bool *out, char *reason, struct cf_error *err)
{
    CF_CLEANUP(cf_setting_free) struct cf_setting setting = { 0 };
    if (!cf_setting_get(self, CF_SETTING_FREEZE, &setting, err))
        return false;
    *out = cf_json_bool(setting.value, false, "frozen", NULL);
    (void)snprintf(reason, CF_HOLD_TEXT_MAX, "%s", cf_json_str(setting.value, "", "reason", NULL));
    return true;
}

static bool image_put(void *self, const struct cf_fence *fence, const struct cf_live *run,
                      const char *key, const json_t *object, struct cf_error *err)
{
    enum cf_record outcome;
    if (!cf_image_put(self, fence, run->id, run->plan->target_cluster, key, object, &outcome, err))
        return false;
    if (outcome == CF_RECORDED)
        return true;
    return cf_error_set(err, CF_ERR_FENCED, "before-image of %s: %s", key, cf_record_name(outcome));
}

static bool image_get(void *self, const struct cf_live *run, const char *key, json_t **out_object,
                      struct cf_error *err)
{
    if (cf_image_get(self, run->id, run->plan->target_cluster, key, out_object, err))
        return true;
    if (err->kind != CF_ERR_NOT_FOUND)
        return false;
    cf_error_clear(err);
    *out_object = NULL;
    return true;
}

struct cf_journal_ops cf_journal_store(struct cf_store *store)
{
    return (struct cf_journal_ops){
        .load = load,
        .record = record,
        .copies = copies,
        .frozen = frozen,
        .image_put = image_put,
        .image_get = image_get,
        .self = store,
    };
}
