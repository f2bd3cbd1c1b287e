/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of runs, steps and routers: reading and freeing. The order is that of the column lists in
 * run_rows.h. */
#include "store/run_rows.h"

#include "base/mem.h"

void cf_run_row_free(struct cf_run_row *row)
{
    free(row->plan);
    free(row->source);
    free(row->target);
    free(row->state);
    free(row->phase);
    free(row->message);
    json_decref(row->hold);
    json_decref(row->progress);
    json_decref(row->memo);
    json_decref(row->warnings);
    json_decref(row->labels);
    free(row->started_by);
    free(row->start_reason);
    *row = (struct cf_run_row){ 0 };
}

void cf_run_list_free(struct cf_run_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cf_run_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct cf_run_list){ 0 };
}

static void step_free(struct cf_step_row *s)
{
    free(s->kind);
    free(s->name);
    json_decref(s->params);
    free(s->state);
    free(s->message);
    json_decref(s->intent);
    json_decref(s->observation);
    json_decref(s->progress);
}

static void router_free(struct cf_router_row *t)
{
    free(t->name);
    free(t->type);
    free(t->cluster);
    free(t->ns);
    free(t->object);
    free(t->route);
    json_decref(t->target);
    free(t->arm);
    free(t->seq);
    json_decref(t->baseline);
    json_decref(t->restore);
    json_decref(t->memo);
}

void cf_run_free(struct cf_run *run)
{
    cf_run_row_free(&run->row);
    for (size_t i = 0; i < run->n_steps; i++)
        step_free(&run->steps[i]);
    free(run->steps);
    for (size_t i = 0; i < run->n_routers; i++)
        router_free(&run->routers[i]);
    free(run->routers);
    for (size_t i = 0; i < run->n_actions; i++)
        cf_action_row_free(&run->actions[i]);
    free(run->actions);
    json_decref(run->effective);
    *run = (struct cf_run){ 0 };
}

bool cf_run_row_read(struct cf_column *c, struct cf_run_row *out, struct cf_error *err)
{
    cf_col_copy(c, out->id, sizeof out->id);
    out->plan = cf_col_text(c);
    out->number = cf_col_int(c);
    out->revision = cf_col_int(c);
    cf_col_copy(c, out->digest, sizeof out->digest);
    out->shard = cf_col_int(c);
    out->source = cf_col_text(c);
    out->target = cf_col_text(c);
    out->state = cf_col_text(c);
    out->phase = cf_col_text(c);
    out->message = cf_col_text(c);
    out->step = cf_col_int(c);
    out->rev = cf_col_int64(c);
    out->seq = cf_col_int64(c);
    out->last_event = cf_col_int64(c);
    out->hold = cf_col_json(c);
    out->weight_desired = cf_col_int(c);
    out->weight_applied = cf_col_int(c);
    out->weight_observed = cf_col_double(c);
    bool never = cf_col_is_null(c);
    out->wake_in_ms = cf_col_int64(c);
    if (never)
        out->wake_in_ms = CF_WAKE_NONE;
    out->progress = cf_col_json(c);
    out->memo = cf_col_json(c);
    out->warnings = cf_col_json(c);
    out->labels = cf_col_json(c);
    out->started_by = cf_col_text(c);
    out->start_reason = cf_col_text(c);
    out->open_actions = cf_col_int(c);
    out->created_ms = cf_col_int64(c);
    out->updated_ms = cf_col_int64(c);
    out->committed_ms = cf_col_int64(c);
    out->finished_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}

bool cf_step_row_read(struct cf_column *c, struct cf_step_row *out, struct cf_error *err)
{
    out->no = cf_col_int(c);
    out->kind = cf_col_text(c);
    out->name = cf_col_text(c);
    out->params = cf_col_json(c);
    out->state = cf_col_text(c);
    out->message = cf_col_text(c);
    out->attempt = cf_col_int(c);
    out->intent = cf_col_json(c);
    out->observation = cf_col_json(c);
    out->progress = cf_col_json(c);
    out->started_ms = cf_col_int64(c);
    out->finished_ms = cf_col_int64(c);
    out->updated_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}

bool cf_router_row_read(struct cf_column *c, struct cf_router_row *out, struct cf_error *err)
{
    out->idx = cf_col_int(c);
    out->name = cf_col_text(c);
    out->type = cf_col_text(c);
    out->cluster = cf_col_text(c);
    out->ns = cf_col_text(c);
    out->object = cf_col_text(c);
    out->route = cf_col_text(c);
    out->target = cf_col_json(c);
    out->arm = cf_col_text(c);
    out->seq = cf_col_text(c);
    out->epoch = cf_col_int64(c);
    out->weight = cf_col_int(c);
    out->want = cf_col_int(c);
    out->in_sync = cf_col_bool(c);
    out->baseline = cf_col_json(c);
    out->restore = cf_col_json(c);
    out->memo = cf_col_json(c);
    out->written_ms = cf_col_int64(c);
    out->updated_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}
