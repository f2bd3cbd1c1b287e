/* SPDX-License-Identifier: Apache-2.0 */
/* The last part of a Restore: until the claims that it made, and has data for, are Bound. A server does that for one Restore after the other, and
 * does not give up one whose claims, or which itself, somebody deletes meanwhile: the others wait behind it. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define TURN "!finalizing" /* no uid */

static bool all_bound(struct vl_cluster *c, const json_t *claims)
{
    size_t i;
    json_t *one;
    json_array_foreach(claims, i, one)
    {
        const json_t *claim =
            sbx_pass_one(&c->pass, "", "persistentvolumeclaims", cf_json_str(one, "", "ns", NULL),
                         cf_json_str(one, "", "name", NULL));
        if (!claim || !vl_phase_in(claim, "Bound"))
            return false;
    }
    return true;
}

static bool still_finalizes(struct vl_cluster *c, const char *uid)
{
    size_t i;
    json_t *r;
    json_array_foreach(vl_all(c, "restores"), i, r)
    {
        if (strcmp(sbx_uid(r), uid) == 0)
            return vl_phase_in(r, "Finalizing,FinalizingPartiallyFailed");
    }
    return false;
}

/* Whoever has the turn keeps it until its claims are bound, or its time is over. */
static bool is_taken(struct vl_cluster *c, const json_t *turn)
{
    const char *uid = cf_json_str(turn, "", "uid", NULL);
    return *uid && (still_finalizes(c, uid) || (!all_bound(c, json_object_get(turn, "claims")) &&
                                                !cf_json_bool(turn, false, "over", NULL) &&
                                                !vl_every(c, VL_BOUND_MAX_MS, "bound", uid)));
}

enum vl_finalized vl_finalize(struct vl_cluster *c, const json_t *r, int64_t least_ms)
{
    json_t *turn = json_object_get(c->server, TURN);
    const char *uid = sbx_uid(r);
    const json_t *claims = json_object_get(vl_memory(c->server, r), "claims");
    bool mine = strcmp(cf_json_str(turn, "", "uid", NULL), uid) == 0;
    if (!mine && is_taken(c, turn))
        return VL_FINALIZING;
    if (!mine)
        json_object_set_new(c->server, TURN, json_pack("{s:s,s:O?}", "uid", uid, "claims", claims));
    if (!vl_after(c, least_ms, "finalize", uid))
        return VL_FINALIZING;
    if (all_bound(c, claims))
        return VL_FINALIZED;
    if (!vl_every(c, VL_BOUND_MAX_MS, "bound", uid))
        return VL_FINALIZING;
    json_object_set_new(json_object_get(c->server, TURN), "over", json_true());
    return VL_FINALIZED_UNBOUND;
}
