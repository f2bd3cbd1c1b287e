/* SPDX-License-Identifier: Apache-2.0 */
/* The typed plan: volumes. See bind.h. */
#include "orchestrator/plan/bind.h"

#include <string.h>

static bool is_velero(const json_t *row)
{
    return strncmp(cf_json_str(row, "", "strategy", NULL), "velero", strlen("velero")) == 0;
}

void cf_bind_volumes(struct cf_plan *p, const json_t *volumes)
{
    static const char *const exceeded[] = { "rollback", "continue", NULL };
    struct cf_plan_volumes *v = &p->volumes;
    size_t i;
    json_t *row;
    if (!volumes)
        return;
    const json_t *final = json_object_get(volumes, "finalSync");
    const json_t *velero = json_object_get(volumes, "velero");
    v->given = true;
    v->moves = is_velero(json_object_get(volumes, "default"));
    json_array_foreach(json_object_get(volumes, "claims"), i, row)
    {
        v->moves = v->moves || is_velero(row);
    }
    v->sync_every_ms = cf_bind_ms(volumes, "syncEvery");
    v->passes = (int)cf_json_int(volumes, 1, "passes", NULL);
    v->max_pause_ms = cf_bind_ms(final, "maxPause");
    v->on_exceeded = (enum cf_plan_exceeded)cf_bind_word(final, "onExceeded", exceeded);
    v->gitops_by_hand = strcmp(cf_json_str(final, "", "gitops", NULL), "byHand") == 0;
    v->rehearse = cf_json_bool(final, true, "rehearse", NULL);
    v->velero_namespace = cf_bind_text(velero, "namespace");
    v->location = cf_json_str(velero, NULL, "location", NULL);
    v->back_location = cf_json_str(velero, NULL, "backLocation", NULL);
    v->image = cf_bind_text(velero, "image");
}
