/* SPDX-License-Identifier: Apache-2.0 */
/* A Backup or Restore that goes on: what it waits for, whether that has lasted too long, and the one thing
 * of Velero's that is helped along.
 *
 * That one: two agents may look at the same exposed pod of a mover at the same moment. One begins to move
 * (InProgress, startTimestamp), the other's "Prepared" lands after it; the pod waits to be begun, the agent
 * says that it has begun, and nobody goes on, for ever (seen with 1.18.3: a DataDownload in some 120). What is
 * canceled ends within seconds, and another attempt follows. */
#include <string.h>

#include "base/digest.h"
#include "federation/objects/kinds.h"
#include "velero/phases.h"
#include "velero/room.h"

enum { FELL_BACK_MS = 60 * 1000 }; /* six of a mover's reports */

static bool fell_back(const json_t *operation)
{
    return strcmp(cf_json_str(operation, "", "status", "phase", NULL), "Prepared") == 0 &&
           cf_json_at(operation, "status", "startTimestamp", NULL) != NULL;
}

/* *out_first: one of them (borrowed), or NULL: there was none. */
static bool cancel_fallen(struct cf_kube *k, const json_t *operations, const json_t **out_first,
                          struct cf_error *err)
{
    cf_autojson json_t *fallen = json_array();
    size_t i;
    int moving = 0;
    json_t *one;
    json_array_foreach(operations, i, one)
    {
        if (fell_back(one))
            json_array_append(fallen, one);
    }
    *out_first = json_array_get(fallen, 0);
    return cf_velero_cancel_all(k, fallen, &moving, err);
}

static const char *kind_of(const json_t *object)
{
    return cf_json_str(object, "", "kind", NULL);
}

bool cf_velero_goes_on(const struct cf_volumes *v, struct cf_kube *k, json_t *row,
                       const json_t *object, const json_t *operations, struct cf_moving *out,
                       struct cf_error *err)
{
    char seen[CF_SHA256_HEX], front[CF_NAME_MAX] = "";
    const json_t *of = NULL, *fallen = NULL;
    const char *kind = kind_of(object), *name = cf_object_name(object), *side = cf_kube_name(k);
    const char *word = strcmp(kind, "Backup") == 0 ? "backup" : "restore";
    const struct cf_phase_rule *rule = cf_velero_slowest(object, operations, &of);
    int64_t quiet =
        cf_pass_quiet_ms(row, cf_velero_fingerprint(object, operations, seen), v->now_ms);
    long long minutes = quiet / 60000;
    const char *phase = cf_json_str(of, "", "status", "phase", NULL);
    if (cf_phase_of(object)->class == CF_PHASE_WAITS &&
        !cf_velero_in_front(v, k, kind, name, front, err))
        return false;
    cf_pass_in_line(row, *front, v->now_ms);
    if (quiet > rule->quiet_ms && *front)
        return cf_moving_stuck(out, "%s %s on %s has waited for %lld minutes behind %s %s", kind,
                               name, side, minutes, word, front);
    if (quiet > rule->quiet_ms)
        return cf_moving_stuck(out, "%s %s on %s has been %s for %lld minutes: %s", kind_of(of),
                               cf_object_name(of), side, *phase ? phase : "New", minutes,
                               rule->hint);
    if (*front)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%s %s on %s is blocked by %s %s", kind,
                               name, side, word, front);
    if (quiet > FELL_BACK_MS && !cancel_fallen(k, operations, &fallen, err))
        return false;
    if (fallen)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS,
                               "%s %s on %s fell back to Prepared and stands still: it is canceled",
                               kind_of(fallen), cf_object_name(fallen), side);
    return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%s %s on %s is %s", kind_of(of),
                           cf_object_name(of), side, *phase ? phase : "New");
}
