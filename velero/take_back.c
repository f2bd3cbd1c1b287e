/* SPDX-License-Identifier: Apache-2.0 */
/* Claims that our restores made, taken away again: those with this run's label, and only while no pod
 * runs on them. */
#include <string.h>

#include "velero/room.h"

const char *cf_claim_user(const json_t *pods, const char *claim)
{
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        if (!cf_json_at(pod, "metadata", "labels", CF_VELERO_LABEL_STAGE, NULL) &&
            !cf_velero_pod_is_over(pod) && cf_velero_mounts(pod, claim))
            return cf_json_str(pod, "", "metadata", "name", NULL);
    }
    return NULL;
}

bool cf_claim_delete(void *kube, const json_t *claim, struct cf_error *err)
{
    struct cf_kube *k = kube;
    struct cf_object_ref ref;
    struct cf_error why = CF_ERROR_INIT;
    struct cf_kube_delete how = CF_KUBE_DELETE_INIT;
    char text[CF_REF_TEXT_MAX];
    how.uid = cf_json_str(claim, NULL, "metadata", "uid", NULL);
    if (!cf_ref_of(claim, &ref, err))
        return false;
    if (cf_json_at(claim, "metadata", "deletionTimestamp", NULL) ||
        cf_kube_delete(k, NULL, &ref, &how, &why) || why.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &why);
    return cf_error_wrap(err, "delete %s on %s", cf_ref_text(&ref, text), cf_kube_name(k));
}

bool cf_volumes_take_back(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    cf_autofree char *ours = cf_xasprintf(CF_VELERO_LABEL_VOLUMES "=%s", v->run_id);
    cf_autojson json_t *claims = NULL;
    cf_autojson json_t *pods = NULL;
    bool gone = false;
    size_t i;
    json_t *claim;
    bool seen = cf_stage_down(v, v->to, v->to_namespace, &gone, err) &&
                cf_velero_list(v->to, "v1", "PersistentVolumeClaim", v->to_namespace, ours, NULL,
                               &claims, err);
    bool done = seen && json_array_size(claims) == 0 && gone;
    out->there_ms = cf_velero_there_ms(v, !done);
    if (!seen)
        return false;
    if (done)
        return cf_moving_done(out);
    if (!cf_velero_list(v->to, "v1", "Pod", v->to_namespace, NULL, cf_velero_trim_pod, &pods, err))
        return false;
    json_array_foreach(claims, i, claim)
    {
        const char *name = cf_json_str(claim, "", "metadata", "name", NULL);
        const char *user = cf_claim_user(pods, name);
        if (user)
            return cf_moving_stuck(out, "claim %s/%s on %s is used by pod %s: stop it first",
                                   v->to_namespace, name, cf_kube_name(v->to), user);
    }
    return cf_kube_each(v->to, claims, cf_claim_delete, v->to, err) &&
           cf_moving_waits(out, CF_VELERO_LOOK_MS, "%zu claims are being deleted on %s",
                           json_array_size(claims), cf_kube_name(v->to));
}
