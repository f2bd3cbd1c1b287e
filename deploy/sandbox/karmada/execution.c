/* SPDX-License-Identifier: Apache-2.0 */
/* From a Work to the member's object, and back when the Work goes. */
#include <string.h>

#include "deploy/sandbox/karmada/apply.h"
#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/status.h"
#include "federation/objects/kinds.h"

enum {
    DISPATCH_MS = 20,
    APPLY_MS = 30,
    TELL_MS = 25, /* from the member's object to the Work's condition */
    REPAIR_MS = 60,
    GO_MS = 20,
    BACKOFF_MS = 125, /* doubles with each try */
    BACKOFF_SHIFT_MAX = 9,
};

static const json_t *manifest_of(const json_t *work)
{
    return json_array_get(cf_json_at(work, "spec", "workload", "manifests", NULL), 0);
}

/* Whether the wait after the last failure is over; each failure makes the next one longer. */
static bool may_try(struct km_round *r, const json_t *work, const char *what, int *out_tries)
{
    const char *tries = km_recall(r, "tries %s %s", what, sbx_uid(work));
    *out_tries = tries ? (int)strtol(tries, NULL, 10) : 0;
    if (*out_tries == 0)
        return true;
    return km_after(r, (int64_t)BACKOFF_MS << CF_MIN(*out_tries, BACKOFF_SHIFT_MAX),
                    "retry %s %s %d", what, sbx_uid(work), *out_tries);
}

static void note_tries(struct km_round *r, const json_t *work, const char *what, int tries)
{
    cf_autofree char *text = cf_xasprintf("%d", tries);
    km_note(r, text, "tries %s %s", what, sbx_uid(work));
}

/* ---- A Work that goes ---- */

static void end_work(struct km_round *r, const json_t *work, struct km_member *m,
                     const json_t *cluster)
{
    const json_t *manifest = manifest_of(work);
    bool preserves = cf_json_bool(work, false, "spec", "preserveResourcesOnDeletion", NULL);
    int tries;
    if (!sbx_has_finalizer(work, KM_F_WORK) || !km_after(r, GO_MS, "go %s", sbx_uid(work)) ||
        !may_try(r, work, "go", &tries))
        return;
    bool is_ready = cf_object_condition_is(cluster, "Ready", "True"), ok = true;
    cf_autofree char *why = NULL;
    if (m && manifest && preserves)
        ok = km_let_go(m, manifest, &why);
    else if (m && manifest && is_ready)
        ok = km_take_back(m, manifest, &why);
    else if (cluster && !is_ready && !sbx_is_going(cluster))
        ok = false;
    if (ok)
        (void)km_drop_finalizer(r, KM_G_WORK, "works", work, KM_F_WORK);
    else
        note_tries(r, work, "go", tries + 1);
}

/* ---- A Work that stays ---- */

static bool dispatching(struct km_round *r, const json_t *work, bool suspended)
{
    static const struct km_condition on = { "Dispatching", "True", "Dispatching",
                                            "Work is being dispatched to member clusters." },
                                     off = { "Dispatching", "False", "SuspendDispatching",
                                             "Work dispatching is in a suspended state." };
    const struct km_condition *c = suspended ? &off : &on;
    const json_t *now = cf_object_condition(work, "Dispatching");
    if (strcmp(cf_json_str(now, "", "status", NULL), c->status) == 0)
        return true;
    if (km_after(r, DISPATCH_MS, "dispatch %s %d", sbx_uid(work), suspended))
        (void)km_set_status(r, KM_CONTROLLER, KM_G_WORK, "works", work, c, NULL);
    return false;
}

/* Which state of the member's object the last write saw: its generation, labels and annotations, or
 * its version where it has no generation. Caller frees. */
static char *version_of(const json_t *live)
{
    int64_t generation = cf_json_int(live, 0, "metadata", "generation", NULL);
    if (!live)
        return cf_xstrdup("gone");
    if (!generation)
        return cf_xasprintf("%s v%s", sbx_uid(live),
                            cf_json_str(live, "", "metadata", "resourceVersion", NULL));
    const json_t *meta = json_object_get(live, "metadata");
    cf_autojson json_t *said =
        json_pack("[O?,O?]", json_object_get(meta, "labels"), json_object_get(meta, "annotations"));
    char digest[KM_DIGEST];
    return cf_xasprintf("%s g%lld %s", sbx_uid(live), (long long)generation,
                        km_digest(said, digest));
}

static void tell_failure(struct km_round *r, const json_t *work, const json_t *manifest,
                         const char *why)
{
    if (!r->hub_answers)
        return;
    cf_autofree char *message = cf_xasprintf("Failed to apply all manifests (0/1): %s", why);
    const struct km_condition c = { "Applied", "False", "AppliedFailed", message };
    (void)km_set_status(r, KM_CONTROLLER, KM_G_WORK, "works", work, &c, NULL);
    cf_autofree char *event =
        cf_xasprintf("Failed to sync work(%s/%s) to cluster(%s), err: %s", sbx_ns(work),
                     sbx_name(work), km_work_cluster(work), why);
    km_warn(r, work, "SyncFailed", event);
    const struct sbx_kind *k = sbx_kind_named(cf_json_str(manifest, "", "apiVersion", NULL),
                                              cf_json_str(manifest, "", "kind", NULL));
    const json_t *template =
        k ? sbx_pass_one(&r->hub, k->group, k->plural, k->namespaced ? sbx_ns(manifest) : NULL,
                         sbx_name(manifest))
          : NULL;
    cf_autofree char *told = cf_xasprintf(
        "Failed to create or update resource(%s%s%s) in member cluster(%s): %s", sbx_ns(manifest),
        *sbx_ns(manifest) ? "/" : "", sbx_name(manifest), km_work_cluster(work), why);
    if (template)
        km_warn(r, template, "SyncFailed", told);
}

static void tell_success(struct km_round *r, const json_t *work, bool again)
{
    if (!r->hub_answers || cf_object_condition_is(work, "Applied", "True") ||
        !km_after(r, TELL_MS, "tell %s %lld", sbx_uid(work),
                  (long long)cf_json_int(work, 0, "metadata", "generation", NULL)))
        return;
    const struct km_condition c = { "Applied", "True",
                                    again ? "ReCreateSuccessful" : "AppliedSuccessful",
                                    "Manifest has been successfully applied" };
    (void)km_set_status(r, KM_CONTROLLER, KM_G_WORK, "works", work, &c, NULL);
}

/* "GENERATION VERSION" of what was written last; the member's object as it stands differs from it
 * when somebody changed it. A member that does not answer shows no change. */
static void sync_work(struct km_round *r, const json_t *work, struct km_member *m)
{
    const json_t *manifest = manifest_of(work);
    long long generation = cf_json_int(work, 0, "metadata", "generation", NULL);
    cf_autojson json_t *live = km_live(m, manifest);
    cf_autofree char *version = version_of(live);
    cf_autofree char *now = cf_xasprintf("%lld %s", generation, version);
    const char *seen = km_recall(r, "applied %s", sbx_uid(work));
    bool same_work = seen && strtoll(seen, NULL, 10) == generation;
    bool refuses = km_on(&m->switches, KM_APPLY_FAILS); /* each resync is then seen to fail */
    if (same_work && !refuses)
        tell_success(r, work, false);
    if (same_work && (!km_member_answers(m) || (strcmp(seen, now) == 0 && !refuses)))
        return;
    int tries;
    if (!km_after(r, same_work ? REPAIR_MS : APPLY_MS, "apply %s %s", sbx_uid(work), now) ||
        !may_try(r, work, "apply", &tries))
        return;
    cf_autofree char *why = NULL;
    cf_autojson json_t *written = NULL;
    if (!km_apply(m, manifest, &written, &why)) {
        note_tries(r, work, "apply", tries + 1);
        bool is_repair = same_work && live && !refuses;
        if (!is_repair) /* which nobody hears of */
            tell_failure(r, work, manifest, why);
        return;
    }
    cf_autofree char *after = version_of(written);
    cf_autofree char *done = cf_xasprintf("%lld %s", generation, after);
    km_note(r, done, "applied %s", sbx_uid(work));
    note_tries(r, work, "apply", 0);
    tell_success(r, work, same_work && !live);
}

static void look_at(struct km_round *r, const json_t *work)
{
    struct km_member *m = km_member(r, km_work_cluster(work));
    const json_t *cluster =
        sbx_pass_one(&r->hub, KM_G_CLUSTER, "clusters", NULL, km_work_cluster(work));
    if (sbx_is_going(work)) {
        if (r->hub_answers)
            end_work(r, work, m, cluster);
        return;
    }
    bool suspended = cf_json_bool(work, false, "spec", "suspendDispatching", NULL);
    if (!m || !cluster || !manifest_of(work))
        return;
    if (r->hub_answers && !dispatching(r, work, suspended))
        return;
    if (suspended)
        return;
    if (cf_object_condition_is(cluster, "Ready", "True"))
        sync_work(r, work, m);
    else
        (void)km_recall(r, "applied %s", sbx_uid(work));
}

void km_ctl_execution(struct km_round *r)
{
    size_t i;
    json_t *work;
    json_array_foreach(sbx_pass_all(&r->hub, KM_G_WORK, "works"), i, work)
    {
        look_at(r, work);
    }
}
