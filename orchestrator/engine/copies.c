/* SPDX-License-Identifier: Apache-2.0 */
/* The copies of a run within a pass: the propagator's view, the ledger, source against copy, health
 * (pass.h). */
#include <string.h>

#include "orchestrator/engine/moves.h"
#include "orchestrator/preflight/survey.h"

enum { LINES_SHOWN = 4 }; /* of a list of objects in a message; the rest is counted */

static bool image_put(void *self, const char *key, const json_t *object, struct cf_error *err)
{
    struct cf_pass *p = self;
    return p->ports->journal.image_put(p->ports->journal.self, &p->fence, p->run, key, object, err);
}

static bool image_get(void *self, const char *key, json_t **out_object, struct cf_error *err)
{
    struct cf_pass *p = self;
    return p->ports->journal.image_get(p->ports->journal.self, p->run, key, out_object, err);
}

void cf_copies_close(struct cf_copies *c)
{
    cf_kube_unref(c->source);
    cf_kube_unref(c->target);
    cf_kube_unref(c->control_plane);
    json_decref(c->request.state);
    memset(c, 0, sizeof *c);
}

bool cf_copies_read(struct cf_pass *p, struct cf_error *err)
{
    json_t *copies = NULL;
    if (p->run->copies)
        return true;
    if (!p->ports->journal.copies(p->ports->journal.self, p->run->id, &copies, err))
        return cf_error_wrap(err, "read what was copied");
    cf_run_copies_read_take(p->run, copies);
    return true;
}

const json_t *cf_copies_ledger(const struct cf_pass *p)
{
    cf_assert(p->run->copies);
    return p->run->copies;
}

/* A copy of what the driver noted last. */
static json_t *state_of(const struct cf_pass *p)
{
    struct cf_step *s = cf_run_step(p->run, "propagate");
    const json_t *state = s ? cf_json_at(s->observation, "federation", NULL) : NULL;
    return state ? cf_json_copy(state) : json_object();
}

void cf_copies_keep_take(struct cf_copies *c, json_t *ledger_take)
{
    struct cf_step *s = cf_run_step(c->pass->run, "propagate");
    json_t *observation = s->observation ? json_copy(s->observation) : json_object();
    if (ledger_take)
        cf_run_copies_set_take(c->pass->run, ledger_take);
    if (json_object_size(c->request.state) > 0)
        json_object_set_new(observation, "federation", cf_json_copy(c->request.state));
    cf_step_set_observation_take(s, observation);
}

bool cf_copies_in_time(const struct cf_pass *p, const struct cf_step *s)
{
    return p->now_wall - s->started_ms < p->run->plan->copy.timeout_ms;
}

bool cf_copies_progress(const struct cf_copying *copying, struct cf_outcome *out)
{
    /* A control plane takes tenths of a second for a step, a person's help longer. */
    enum { LOOK_MS = 300, STUCK_LOOK_MS = 1000 };
    int64_t wait_ms = CF_MAX(copying->stuck ? STUCK_LOOK_MS : LOOK_MS, copying->wait_ms);
    if (copying->done)
        return cf_out_done(out);
    if (!copying->waits)
        return cf_out_more(out);
    if (!copying->stuck)
        return cf_out_wait(out, wait_ms, "%s", copying->why);
    return cf_out_hold(out, CF_HOLD_FEDERATION, wait_ms, "%s", copying->why);
}

const json_t *cf_copies_services(const struct cf_pass *p)
{
    struct cf_step *s = cf_run_step(p->run, "propagate");
    return s ? cf_json_at(s->intent, "services", NULL) : NULL;
}

/* What this run's preflight has just tried without meeting a blocker; "" when that is too long
 * ago. */
static const char *tried_digest(const struct cf_pass *p)
{
    enum { FRESH_MS = 60000 }; /* what a target admits changes seldom, but it does */
    const struct cf_step *s = cf_run_step(p->run, "preflight");
    if (!s || s->state != CF_STEP_DONE || p->now_wall - s->finished_ms > FRESH_MS)
        return "";
    return cf_json_str(s->observation, "", "tried", NULL);
}

bool cf_copies_open(struct cf_pass *p, struct cf_copies *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { .pass = p };
    const struct cf_plan *plan = p->run->plan;
    if (!cf_copies_read(p, err))
        return false;
    c.ops = p->ports->propagator ? p->ports->propagator : cf_survey_propagator(plan);
    if (!cf_pass_kube(p, plan->source_cluster, &c.source, err) ||
        !cf_pass_kube(p, plan->target_cluster, &c.target, err))
        return false;
    if (plan->copy.control_plane &&
        !cf_pass_kube(p, plan->copy.control_plane, &c.control_plane, err))
        return false;
    c.request = cf_survey_propagation(plan, c.source, c.target, p->run->id, cf_copies_services(p));
    c.request.control_plane = c.control_plane;
    c.request.state = state_of(p);
    c.request.tried = tried_digest(p);
    c.request.stopped = cf_moves_stopped(p->run);
    c.request.before = (struct cf_before_images){ .put = image_put, .get = image_get, .self = p };
    *out = c;
    memset(&c, 0, sizeof c);
    return true;
}

bool cf_copies_inventory(struct cf_copies *c, const json_t **out, struct cf_error *err)
{
    if (!c->pass->inventory) {
        int64_t began = cf_wall_ms(c->pass->ports->clock);
        cf_mem_give_back(); /* what was looked at before it, in this pass */
        if (!c->ops->inventory(&c->request, &c->pass->inventory, err))
            return cf_error_wrap(err, "read the source");
        c->pass->inventory_ms = cf_wall_ms(c->pass->ports->clock) - began;
    }
    *out = c->pass->inventory;
    return true;
}

/* "a; b; c; and 5 more" from an array, each row made by `line`. */
static void list_lines(const json_t *rows, void (*line)(const json_t *row, struct cf_buf *out),
                       struct cf_buf *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (i == LINES_SHOWN) {
            cf_buf_printf(out, "; and %zu more", json_array_size(rows) - i);
            return;
        }
        if (i > 0)
            cf_buf_puts(out, "; ");
        line(row, out);
    }
}

static void change_line(const json_t *row, struct cf_buf *out)
{
    const char *by = cf_json_str(row, "", "by", NULL);
    cf_buf_printf(out, "%s %s", cf_json_str(row, "?", "key", NULL),
                  cf_json_str(row, "changed", "change", NULL));
    const char *detail = cf_json_str(row, "", "detail", NULL);
    if (*detail)
        cf_buf_printf(out, " (%s)", detail);
    if (*by)
        cf_buf_printf(out, " by %s", by);
}

/* Whether workload.ready raised the floor of this autoscaler through the control plane, which then
 * is who wrote it last. */
static bool is_raised_for_us(const struct cf_pass *p, const char *name)
{
    const struct cf_step *ready = cf_run_step(p->run, "workload.ready");
    size_t i;
    json_t *floor;
    if (p->run->plan->copy.mode != CF_PLAN_COPY_ADOPT)
        return false;
    json_array_foreach(cf_json_at(ready ? ready->intent : NULL, "floors", NULL), i, floor)
    {
        if (strcmp(cf_json_str(floor, "", "name", NULL), name) == 0)
            return true;
    }
    return false;
}

/* The floor that workload.ready raised is our own change of the source, not somebody's. */
static bool is_our_floor(const struct cf_pass *p, const json_t *change)
{
    const char *key = cf_json_str(change, "", "key", NULL);
    const char *by = cf_json_str(change, "", "by", NULL);
    const char *name = strrchr(key, '/');
    return strncmp(key, "autoscaling/", strlen("autoscaling/")) == 0 &&
           (strncmp(by, CF_KUBE_FIELD_MANAGER, strlen(CF_KUBE_FIELD_MANAGER)) == 0 ||
            is_raised_for_us(p, name + 1));
}

static void drop_our_floors(const struct cf_pass *p, json_t *changes)
{
    for (size_t i = json_array_size(changes); i-- > 0;)
        if (is_our_floor(p, json_array_get(changes, i)))
            json_array_remove(changes, i);
}

bool cf_copies_compare(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    const json_t *inventory;
    cf_autojson json_t *changes = NULL;
    if (!cf_copies_open(p, &c, err) || !cf_copies_inventory(&c, &inventory, err))
        return false;
    if (!c.ops->changes(&c.request, inventory, cf_copies_ledger(p), &changes, err))
        return cf_error_wrap(err, "compare the source with what was copied");
    drop_our_floors(p, changes);
    if (json_array_size(changes) == 0)
        return cf_out_done(out);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 64);
    list_lines(changes, change_line, &text);
    return cf_out_hold(out, CF_HOLD_SOURCE_CHANGED, CF_PASS_WAKE_MAX_MS,
                       "the source is not what was copied: %s", cf_buf_str(&text));
}

static void health_line(const json_t *row, struct cf_buf *out)
{
    cf_buf_printf(out, "%s: %s", cf_json_str(row, "?", "key", NULL),
                  cf_json_str(row, "not ready", "message", NULL));
}

/* The rows of a health report that are not ready. */
static json_t *not_ready(const json_t *report)
{
    json_t *rows = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(report, "objects", NULL), i, row)
    {
        if (!cf_json_bool(row, false, "ready", NULL))
            json_array_append(rows, row);
    }
    return rows;
}

bool cf_copies_health(struct cf_pass *p, struct cf_step *progress_of, struct cf_outcome *out,
                      struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    cf_autojson json_t *report = NULL;
    if (!cf_copies_open(p, &c, err))
        return false;
    if (!c.ops->health(&c.request, cf_copies_ledger(p), &report, err))
        return cf_error_wrap(err, "health of the copies");
    if (progress_of)
        cf_step_progress(progress_of, (int)cf_json_int(report, 0, "done", NULL),
                         (int)cf_json_int(report, 0, "total", NULL));
    if (cf_json_bool(report, false, "ready", NULL))
        return cf_out_done(out);
    cf_autojson json_t *rows = not_ready(report);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 64);
    list_lines(rows, health_line, &text);
    if (cf_json_bool(report, false, "failed", NULL))
        return cf_out_failed(out, "%s", cf_buf_str(&text));
    const char *unseen = cf_json_str(report, "", "unseen", NULL);
    if (*unseen)
        return cf_out_hold(out, CF_HOLD_FEDERATION, 1000, "%s", unseen);
    return cf_out_hold(out, CF_HOLD_NOT_READY, 1000, "%s", cf_buf_str(&text));
}

static void finding_line(const json_t *row, struct cf_buf *out)
{
    cf_buf_printf(out, "%s", cf_json_str(row, "?", "message", NULL));
    const char *hint = cf_json_str(row, "", "hint", NULL);
    if (*hint)
        cf_buf_printf(out, " (%s)", hint);
}

bool cf_copies_guard(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    cf_autojson json_t *findings = NULL;
    if (!cf_copies_open(p, &c, err))
        return false;
    if (!c.ops->guard)
        return cf_out_done(out);
    if (!c.ops->guard(&c.request, cf_copies_ledger(p), &findings, err))
        return cf_error_wrap(err, "look at the control plane %s", p->run->plan->copy.control_plane);
    if (json_array_size(findings) == 0)
        return cf_out_done(out);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 64);
    list_lines(findings, finding_line, &text);
    return cf_out_hold(out, CF_HOLD_FEDERATION, CF_PASS_RETRY_MS, "%s", cf_buf_str(&text));
}

bool cf_copies_detach(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    struct cf_copying copying = { 0 };
    if (!cf_copies_open(p, &c, err))
        return false;
    if (!c.ops->detach)
        return cf_out_done(out);
    bool ok = c.ops->detach(&c.request, cf_copies_ledger(p), &copying, err);
    cf_copies_keep_take(&c, NULL);
    if (!ok)
        return cf_error_wrap(err, "let %s go of the source", p->run->plan->copy.control_plane);
    return cf_copies_progress(&copying, out);
}
