/* SPDX-License-Identifier: Apache-2.0 */
/* The last part of a Restore: until the claims that it made, and has brought the data of, are Bound. A
 * server does that for one Restore after the other, and does not give up one whose claims, or which itself,
 * somebody deletes meanwhile: the others wait behind it. */
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

/* Those of the Restore whose data came; all operations have ended by now. New reference. */
static json_t *claims_of(struct vl_cluster *c, const json_t *r)
{
    cf_autojson json_t *downloads = vl_labelled(c, "datadownloads", VL_RESTORE_UID, sbx_uid(r));
    json_t *waited = json_array(), *one, *dd;
    size_t i, k;
    json_array_foreach(json_object_get(vl_memory(c->server, r), "claims"), i, one)
    {
        const char *ns = cf_json_str(one, "", "ns", NULL);
        const char *name = cf_json_str(one, "", "name", NULL);
        bool came = true;
        json_array_foreach(downloads, k, dd)
        {
            const json_t *to = cf_json_at(dd, "spec", "targetVolume", NULL);
            if (strcmp(cf_json_str(to, "", "namespace", NULL), ns) == 0 &&
                strcmp(cf_json_str(to, "", "pvc", NULL), name) == 0)
                came = vl_phase_in(dd, "Completed");
        }
        if (came)
            json_array_append(waited, one);
    }
    return waited;
}

/* Whoever has the turn gives it back at its end. One that is gone keeps it until its claims are bound, or
 * its time is over. */
static bool is_taken(struct vl_cluster *c, const json_t *turn)
{
    const char *uid = cf_json_str(turn, "", "uid", NULL);
    const json_t *r = vl_one(c, "restores", cf_json_str(turn, "", "name", NULL));
    if (r && strcmp(sbx_uid(r), uid) == 0)
        return true;
    return *uid && !all_bound(c, json_object_get(turn, "claims")) &&
           !vl_every(c, VL_BOUND_MAX_MS, "bound", uid);
}

enum vl_finalized vl_finalize(struct vl_cluster *c, const json_t *r, int64_t least_ms)
{
    json_t *turn = json_object_get(c->server, TURN);
    const char *uid = sbx_uid(r);
    bool mine = strcmp(cf_json_str(turn, "", "uid", NULL), uid) == 0;
    if (!mine && is_taken(c, turn))
        return VL_FINALIZING;
    if (!mine)
        json_object_set_new(
            c->server, TURN,
            json_pack("{s:s,s:s,s:o}", "name", sbx_name(r), "uid", uid, "claims", claims_of(c, r)));
    if (!vl_after(c, least_ms, "finalize", uid))
        return VL_FINALIZING;
    bool bound = all_bound(c, cf_json_at(c->server, TURN, "claims", NULL));
    if (!bound && !vl_every(c, VL_BOUND_MAX_MS, "bound", uid))
        return VL_FINALIZING;
    json_object_del(c->server, TURN);
    return bound ? VL_FINALIZED : VL_FINALIZED_UNBOUND;
}
