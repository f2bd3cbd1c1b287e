/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the Velero servers are free for a pass. A server restores one thing at a time, and up to its
 * --concurrent-backups (1) backs up one: what it works on, or was asked before us, comes first. Who only
 * finalizes, or waits for data movers, is in nobody's way. */
#include <string.h>

#include "velero/phases.h"
#include "velero/room.h"

static bool is_in_the_way(const struct cf_volumes *v, const json_t *object)
{
    return !cf_velero_is_ours(v, object) &&
           !cf_json_at(object, "metadata", "deletionTimestamp", NULL) &&
           (cf_phase_of(object)->class == CF_PHASE_WAITS ||
            strcmp(cf_json_str(object, "", "status", "phase", NULL), "InProgress") == 0);
}

bool cf_volumes_slot(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    const struct {
        struct cf_kube *kube;
        const char *kind, *word;
    } queues[] = { { v->from, "Backup", "backup" }, { v->to, "Restore", "restore" } };
    for (size_t q = 0; q < CF_ARRAY_LEN(queues); q++) {
        cf_autojson json_t *all = NULL;
        size_t i;
        json_t *one;
        if (!cf_velero_list(queues[q].kube, CF_VELERO_V1, queues[q].kind, v->velero_namespace, NULL,
                            NULL, &all, err))
            return false;
        json_array_foreach(all, i, one)
        {
            if (is_in_the_way(v, one))
                return cf_moving_waits(
                    out, CF_VELERO_LOOK_MS, "blocked by %s %s on %s", queues[q].word,
                    cf_json_str(one, "", "metadata", "name", NULL), cf_kube_name(queues[q].kube));
        }
    }
    return cf_moving_done(out);
}
