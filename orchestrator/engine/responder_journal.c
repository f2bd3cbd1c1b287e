/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of the rollback lane's journal (responder_internal.h). */
#include <string.h>

#include "base/thread.h"
#include "orchestrator/engine/responder_internal.h"

static json_t *prepare_line(const struct lane_run *r)
{
    json_t *routers = json_array();
    for (size_t i = 0; i < r->n_routers; i++)
        json_array_append_new(routers, json_pack("{s:s,s:O}", "cluster", r->routers[i].cluster,
                                                 "document", r->routers[i].document));
    return json_pack("{s:s,s:s,s:o}", "op", "prepare", "run", r->id, "routers", routers);
}

json_t *cf_lane_fired_line(const struct lane_run *r)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "op", "fired", "run", r->id, "cause", r->cause,
                     "why", r->why, "badAt", (json_int_t)r->bad_ms, "alarmAt",
                     (json_int_t)r->alarm_ms);
}

/* Only what is still needed stays in the file. */
bool cf_lane_compact(struct cf_lane *lane, struct cf_error *err)
{
    if (cf_local_journal_bytes(lane->journal) < CF_LANE_COMPACT_BYTES)
        return true;
    cf_autojson json_t *lines = json_array();
    {
        CF_LOCKED(&lane->mutex);
        for (const struct lane_run *r = lane->runs; r; r = r->next) {
            json_array_append_new(lines, prepare_line(r));
            if (r->fired)
                json_array_append_new(lines, cf_lane_fired_line(r));
        }
    }
    return cf_local_journal_rewrite(lane->journal, lines, err);
}

/* Durable when it returns. With `journal_mutex` held, so that a line and its effect on the table
 * are one to cf_lane_compact(); never with `mutex` held: no PATCH waits for a disk. */
bool cf_lane_append_take(struct cf_lane *lane, json_t *line_take, struct cf_error *err)
{
    cf_autojson json_t *line = line_take;
    return cf_local_journal_append(lane->journal, line, err);
}

static void replay_prepare(struct lane_run *run, const json_t *line)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(line, "routers", NULL), i, row)
    {
        if (i >= CF_LANE_ROUTERS_MAX || !cf_json_at(row, "document", NULL))
            break;
        cf_lane_router_clear(&run->routers[i]);
        run->routers[i].cluster = cf_xstrdup(cf_json_str(row, "", "cluster", NULL));
        run->routers[i].document = cf_json_copy(cf_json_at(row, "document", NULL));
        run->n_routers = i + 1;
    }
}

void cf_lane_replay(struct cf_lane *lane, const json_t *lines)
{
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
    {
        const char *op = cf_json_str(line, "", "op", NULL);
        const char *run_id = cf_json_str(line, "", "run", NULL);
        if (strcmp(op, "prepare") == 0)
            replay_prepare(cf_lane_find_or_make(lane, run_id), line);
        else if (strcmp(op, "fired") == 0)
            cf_lane_fire_locked(
                lane, cf_lane_find_or_make(lane, run_id), cf_json_str(line, "", "cause", NULL),
                cf_json_str(line, "", "why", NULL), cf_json_int(line, 0, "badAt", NULL),
                cf_json_int(line, 0, "alarmAt", NULL));
        else if (strcmp(op, "forget") == 0)
            cf_lane_drop_locked(lane, run_id);
    }
}
