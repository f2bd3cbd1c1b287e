/* SPDX-License-Identifier: Apache-2.0 */
/* What both last passes have in common (last_pass.h). */
#include "orchestrator/engine/steps/last_pass.h"

#include <stdio.h>

#include "orchestrator/engine/steps/freeze.h"

bool cf_last_pass_read(const struct cf_volumes *v, int n, struct cf_moving *out,
                       struct cf_error *err)
{
    return cf_volumes_backup(v, n, CF_PASS_FROZEN, out, err);
}

bool cf_last_pass_clear(const struct cf_volumes *v, int n, struct cf_moving *out,
                        struct cf_error *err)
{
    (void)n;
    return cf_volumes_take_back(v, out, err);
}

bool cf_last_pass_restore(const struct cf_volumes *v, int n, struct cf_moving *out,
                          struct cf_error *err)
{
    return cf_volumes_restore(v, n, false, out, err);
}

bool cf_last_pass_look(struct cf_pass *p, bool target, const json_t *before, json_t **out_now,
                       char why[static CF_LAST_PASS_WHY_MAX], struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    cf_autojson json_t *watched = cf_freeze_watched(p->run, target);
    cf_autojson json_t *mounts = NULL;
    cf_autojson json_t *now = NULL;
    if (!cf_freeze_open(p, target, &kube, &f, err) ||
        !cf_freeze_generations(&f, watched, &now, err) ||
        !cf_freeze_mounts(&f, cf_moves_claims(p->run), &mounts, err))
        return false;
    *why = '\0';
    if (json_array_size(mounts) > 0)
        (void)snprintf(why, CF_LAST_PASS_WHY_MAX, "pod %.253s of %.64s mounts a claim",
                       cf_json_str(json_array_get(mounts, 0), "?", "pod", NULL), f.cluster);
    else if (before && !json_equal(now, before))
        (void)snprintf(why, CF_LAST_PASS_WHY_MAX, "a stopped workload of %.64s was changed",
                       f.cluster);
    *out_now = cf_steal(&now);
    return true;
}
