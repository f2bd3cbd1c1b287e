/* SPDX-License-Identifier: Apache-2.0 */
/* Claims in the way of a restore: set aside with their volumes kept, and put back (volumes.h).
 *
 * A restore never writes into a claim that exists. On the way back with data the source's own claims are
 * in the way; their volumes hold what the source had at the freeze, the last resort if the restore
 * fails. So before a claim goes its volume is told to stay (reclaim policy Retain), and all that is
 * needed to bind both again is durable: state.aside = {claim: {"uid", "pv", "policy", "claim": {…},
 * "step": "noted" | "kept" | "gone" | "back"}}. */
#include <stdio.h>
#include <string.h>

#include "federation/kube/kube.h"
#include "federation/objects/kinds.h"
#include "velero/volumes.h"

enum { WAIT_MS = 500, NOTED_AT_ONCE = 50 };

static struct cf_object_ref claim_ref(const struct cf_volumes *v, const char *name)
{
    return cf_ref("v1", "PersistentVolumeClaim", v->to_namespace, name);
}

static struct cf_object_ref volume_ref(const json_t *row)
{
    return cf_ref("v1", "PersistentVolume", NULL, cf_json_str(row, "", "pv", NULL));
}

static json_t *aside_of(const struct cf_volumes *v)
{
    json_t *aside = json_object_get(v->state, "aside");
    if (!aside) {
        aside = json_object();
        json_object_set_new(v->state, "aside", aside);
    }
    return aside;
}

static bool is_at(const json_t *row, const char *step)
{
    return strcmp(cf_json_str(row, "", "step", NULL), step) == 0;
}

static void go_to(json_t *row, const char *step)
{
    json_object_set_new(row, "step", json_string(step));
}

static bool waits(const struct cf_volumes *v, const char *name, const char *what,
                  struct cf_moving *out)
{
    out->waits = true;
    out->wait_ms = WAIT_MS;
    (void)snprintf(out->why, sizeof out->why, "claim %s of %s %s", name, cf_kube_name(v->to), what);
    return true;
}

/* ---- setting aside ---- */

/* The claim as it is to be made again: bound to its volume by name. */
static json_t *claim_again(const json_t *claim)
{
    static const char *const dropped[] = {
        "uid",           "resourceVersion",           "creationTimestamp", "generation",
        "managedFields", "ownerReferences",           "finalizers",        "deletionTimestamp",
        "selfLink",      "deletionGracePeriodSeconds"
    };
    json_t *again = cf_json_copy(claim);
    json_t *meta = json_object_get(again, "metadata");
    json_object_del(again, "status");
    for (size_t i = 0; i < CF_ARRAY_LEN(dropped); i++)
        json_object_del(meta, dropped[i]);
    /* The binder writes its own. */
    json_t *annotations = json_object_get(meta, "annotations");
    json_object_del(annotations, "pv.kubernetes.io/bind-completed");
    json_object_del(annotations, "pv.kubernetes.io/bound-by-controller");
    return again;
}

static bool note_claim(const struct cf_volumes *v, const char *name, json_t *aside,
                       struct cf_error *err)
{
    struct cf_object_ref ref = claim_ref(v, name);
    cf_autojson json_t *claim = NULL;
    cf_autojson json_t *volume = NULL;
    bool found = false;
    if (!cf_kube_find(v->to, NULL, &ref, &found, &claim, err))
        return cf_error_wrap(err, "claim %s of %s", name, cf_kube_name(v->to));
    if (!found)
        return true; /* nothing is in the way */
    const char *pv = cf_json_str(claim, "", "spec", "volumeName", NULL);
    if (!*pv)
        return cf_error_set(
            err, CF_ERR_CONFLICT,
            "claim %s of %s has no volume: delete it, so that its data can come back", name,
            cf_kube_name(v->to));
    struct cf_object_ref pv_ref = cf_ref("v1", "PersistentVolume", NULL, pv);
    if (!cf_kube_get(v->to, NULL, &pv_ref, &volume, err))
        return cf_error_wrap(err, "volume %s of claim %s", pv, name);
    json_object_set_new(
        aside, name,
        json_pack("{s:s,s:s,s:s,s:o,s:s}", "uid", cf_object_uid(claim), "pv", pv, "policy",
                  cf_json_str(volume, "Delete", "spec", "persistentVolumeReclaimPolicy", NULL),
                  "claim", claim_again(claim), "step", "noted"));
    return true;
}

static bool set_policy(const struct cf_volumes *v, const json_t *row, const char *policy,
                       struct cf_error *err)
{
    struct cf_object_ref ref = volume_ref(row);
    cf_autojson json_t *patch =
        json_pack("{s:{s:s}}", "spec", "persistentVolumeReclaimPolicy", policy);
    if (!cf_kube_merge_patch(v->to, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(err, "reclaim policy of volume %s", ref.name);
    return true;
}

/* *out_gone: neither the claim that was noted nor its end is to be seen any more. */
static bool remove_claim(const struct cf_volumes *v, const char *name, const json_t *row,
                         bool *out_gone, struct cf_error *err)
{
    struct cf_object_ref ref = claim_ref(v, name);
    struct cf_kube_delete how = { .uid = cf_json_str(row, "", "uid", NULL) };
    cf_autojson json_t *claim = NULL;
    bool found = false;
    if (!cf_kube_find(v->to, NULL, &ref, &found, &claim, err))
        return cf_error_wrap(err, "claim %s of %s", name, cf_kube_name(v->to));
    *out_gone = !found || strcmp(cf_object_uid(claim), how.uid) != 0;
    if (*out_gone || cf_json_at(claim, "metadata", "deletionTimestamp", NULL))
        return true;
    if (!cf_kube_delete(v->to, NULL, &ref, &how, err) && err->kind != CF_ERR_NOT_FOUND)
        return cf_error_wrap(err, "set claim %s of %s aside", name, cf_kube_name(v->to));
    cf_error_clear(err);
    return true;
}

static bool set_one_aside(const struct cf_volumes *v, const char *name, json_t *row,
                          struct cf_moving *out, struct cf_error *err)
{
    bool gone = false;
    if (is_at(row, "noted")) {
        if (!set_policy(v, row, "Retain", err))
            return false;
        go_to(row, "kept");
    }
    if (!is_at(row, "kept"))
        return true;
    if (!remove_claim(v, name, row, &gone, err))
        return false;
    if (!gone)
        return waits(v, name, "is going", out);
    go_to(row, "gone");
    return true;
}

/* Notes claims that are not noted yet, some at once: what they are must be durable before one of them
 * is touched. */
static bool note_claims(const struct cf_volumes *v, json_t *aside, int *out_noted,
                        struct cf_error *err)
{
    size_t i;
    json_t *claim;
    *out_noted = 0;
    json_array_foreach(v->claims, i, claim)
    {
        const char *name = cf_json_str(claim, "", "name", NULL);
        if (json_object_get(aside, name) || *out_noted >= NOTED_AT_ONCE)
            continue;
        if (!note_claim(v, name, aside, err))
            return false;
        *out_noted += json_object_get(aside, name) != NULL;
    }
    return true;
}

bool cf_volumes_set_aside(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    json_t *aside = aside_of(v);
    const char *name;
    json_t *row;
    int noted = 0;
    if (!json_object_get(v->state, "asideNoted")) {
        if (!note_claims(v, aside, &noted, err))
            return false;
        if (noted < NOTED_AT_ONCE)
            json_object_set_new(v->state, "asideNoted", json_true());
        return true; /* neither done nor waits: store, and call again */
    }
    json_object_foreach(aside, name, row)
    {
        if (!set_one_aside(v, name, row, out, err))
            return false;
    }
    out->done = !out->waits;
    return true;
}

/* ---- putting back ---- */

static bool is_ours(const struct cf_volumes *v, const json_t *claim)
{
    return strcmp(cf_json_str(claim, "", "metadata", "labels", CF_VELERO_LABEL_VOLUMES, NULL),
                  v->run_id) == 0;
}

/* The claim that a restore made in its place goes; *out_free: the name is free, or the claim is the
 * one that was put back already. */
static bool free_name(const struct cf_volumes *v, const char *name, const json_t *row,
                      bool *out_free, bool *out_back, struct cf_error *err)
{
    struct cf_object_ref ref = claim_ref(v, name);
    cf_autojson json_t *claim = NULL;
    bool found = false;
    *out_free = *out_back = false;
    if (!cf_kube_find(v->to, NULL, &ref, &found, &claim, err))
        return cf_error_wrap(err, "claim %s of %s", name, cf_kube_name(v->to));
    *out_free = !found;
    /* One that is going takes its volume with it, if that is told to go before it is gone. */
    bool going = cf_json_at(claim, "metadata", "deletionTimestamp", NULL) != NULL;
    *out_back = found && !going &&
                strcmp(cf_json_str(claim, "", "spec", "volumeName", NULL),
                       cf_json_str(row, "", "pv", NULL)) == 0;
    if (!found || *out_back || going)
        return true;
    if (!is_ours(v, claim))
        return cf_error_set(err, CF_ERR_CONFLICT,
                            "claim %s of %s is somebody's: the volume %s that was set aside for it "
                            "cannot be put back",
                            name, cf_kube_name(v->to), cf_json_str(row, "", "pv", NULL));
    struct cf_kube_delete how = { .uid = cf_object_uid(claim) };
    if (!cf_kube_delete(v->to, NULL, &ref, &how, err) && err->kind != CF_ERR_NOT_FOUND)
        return cf_error_wrap(err, "make room for claim %s", name);
    cf_error_clear(err);
    return true;
}

static bool make_again(const struct cf_volumes *v, const char *name, const json_t *row,
                       struct cf_error *err)
{
    struct cf_object_ref pv = volume_ref(row);
    /* A released volume is bound again once it names the claim without the old one's uid. */
    cf_autojson json_t *patch =
        json_pack("{s:{s:{s:s,s:s,s:n,s:n}}}", "spec", "claimRef", "namespace", v->to_namespace,
                  "name", name, "uid", "resourceVersion");
    if (!cf_kube_merge_patch(v->to, NULL, &pv, patch, NULL, NULL, err))
        return cf_error_wrap(err, "volume %s for claim %s", pv.name, name);
    if (!cf_kube_create(v->to, NULL, json_object_get(row, "claim"), NULL, NULL, err) &&
        err->kind != CF_ERR_CONFLICT)
        return cf_error_wrap(err, "put claim %s of %s back", name, cf_kube_name(v->to));
    cf_error_clear(err);
    return true;
}

static bool put_one_back(const struct cf_volumes *v, const char *name, json_t *row,
                         struct cf_moving *out, struct cf_error *err)
{
    bool is_free = false, is_back = false;
    /* What was only noted may be gone all the same: who removed it was killed before it was said. */
    if (is_at(row, "back"))
        return true;
    if (!free_name(v, name, row, &is_free, &is_back, err))
        return false;
    if (!is_free && !is_back)
        return waits(v, name, "is going", out);
    if (is_free && !make_again(v, name, row, err))
        return false;
    if (is_free)
        return waits(v, name, "is not Bound yet", out);
    struct cf_object_ref ref = claim_ref(v, name);
    cf_autojson json_t *claim = NULL;
    if (!cf_kube_get(v->to, NULL, &ref, &claim, err))
        return cf_error_wrap(err, "claim %s of %s", name, cf_kube_name(v->to));
    if (strcmp(cf_json_str(claim, "", "status", "phase", NULL), "Bound") != 0)
        return waits(v, name, "is not Bound yet", out);
    if (!set_policy(v, row, cf_json_str(row, "Delete", "policy", NULL), err))
        return false;
    go_to(row, "back");
    return true;
}

bool cf_volumes_put_back(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    json_t *aside = aside_of(v);
    const char *name;
    json_t *row;
    json_object_foreach(aside, name, row)
    {
        if (!put_one_back(v, name, row, out, err))
            return false;
    }
    out->done = !out->waits;
    return true;
}
