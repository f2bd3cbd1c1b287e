/* SPDX-License-Identifier: Apache-2.0 */
/* From a binding to its Works: those of clusters that left are deleted before others are made. */
#include <string.h>

#include "deploy/sandbox/karmada/binding_spec.h"
#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/works.h"

enum {
    WORKS_MS = 18,  /* from a binding's change to its Works */
    RACE_MS = 200,  /* how long it looks the other way when it loses against the scheduler */
    RACE_RUNS = 17, /* of so many, the preserved copy … */
    RACE_LOST = 4,  /* … is deleted in these: as measured */
};

/* ---- Which clusters ---- */

/* [{name, replicas?}] of clusters and requiredBy. New reference. */
static json_t *targets_of(const json_t *binding)
{
    const json_t *clusters = cf_json_at(binding, "spec", "clusters", NULL);
    json_t *all = clusters ? json_copy(cf_json_unconst(clusters)) : json_array();
    size_t i, j;
    json_t *by, *c;
    json_array_foreach(cf_json_at(binding, "spec", "requiredBy", NULL), i, by)
    {
        json_array_foreach(json_object_get(by, "clusters"), j, c)
        {
            if (!km_has_cluster(all, cf_json_str(c, "", "name", NULL)))
                json_array_append(all, c);
        }
    }
    return all;
}

static bool is_evicted_gently(const json_t *binding, const char *cluster)
{
    size_t i;
    json_t *t;
    json_array_foreach(cf_json_at(binding, "spec", "gracefulEvictionTasks", NULL), i, t)
    {
        if (strcmp(cf_json_str(t, "", "fromCluster", NULL), cluster) == 0 &&
            !sbx_word_in("Directly,Immediately", cf_json_str(t, "", "purgeMode", NULL)))
            return true;
    }
    return false;
}

/* Deletes the Works of clusters that are neither targets nor evicted gently. */
static bool drop_orphans(struct km_round *r, const json_t *binding, const json_t *works,
                         const json_t *targets)
{
    bool ok = true;
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_unconst(works), i, w)
    {
        const char *cluster = km_work_cluster(w);
        if (!sbx_is_going(w) && !km_has_cluster(targets, cluster) &&
            !is_evicted_gently(binding, cluster))
            ok &= sbx_pass_delete(&r->hub, KM_G_WORK, "works", w, -1);
    }
    return ok;
}

/* ---- The Work of one cluster ---- */

static json_t *labels_for(const struct km_binding_kind *bk, const json_t *binding, json_t *manifest)
{
    const char *id = km_binding_id(bk, binding);
    cf_json_put_take(manifest, json_string(id), "metadata", "labels", bk->id_label, NULL);
    return json_pack("{s:s}", bk->id_label, id);
}

/* What the template's annotation says of conflicts wins over the policy. */
static const char *conflict_of(const json_t *template, const json_t *binding)
{
    const char *said = cf_json_str(template, "", "metadata", "annotations", KM_CONFLICT, NULL);
    if (sbx_word_in("overwrite,abort", said))
        return said;
    const char *policy = cf_json_str(binding, "", "spec", "conflictResolution", NULL);
    return strcmp(policy, "Overwrite") == 0 ? "overwrite" : "abort";
}

static json_t *annotations_for(const struct km_binding_kind *bk, const json_t *binding,
                               const json_t *template, json_t *manifest)
{
    json_t *notes = json_pack("{s:s,s:s}", bk->name_note, sbx_name(binding), KM_CONFLICT,
                              conflict_of(template, binding));
    if (bk->ns_note)
        json_object_set_new(notes, bk->ns_note, json_string(sbx_ns(binding)));
    int64_t generation = cf_json_int(template, 0, "metadata", "generation", NULL);
    if (generation > 0) {
        cf_autofree char *text = cf_xasprintf("%lld", (long long)generation);
        cf_json_put_take(manifest, json_string(text), "metadata", "annotations",
                         KM_TEMPLATE_GENERATION, NULL);
    }
    cf_json_put_take(manifest, json_string(sbx_name(binding)), "metadata", "annotations",
                     bk->name_note, NULL);
    if (bk->ns_note)
        cf_json_put_take(manifest, json_string(sbx_ns(binding)), "metadata", "annotations",
                         bk->ns_note, NULL);
    return notes;
}

static void complain(struct km_round *r, const json_t *binding, const json_t *template,
                     const char *policy, const char *cluster, const char *why)
{
    cf_autofree char *first =
        cf_xasprintf("Apply override policy(%s) for cluster(%s) failed.", policy, cluster);
    km_warn(r, template, "ApplyOverridePolicyFailed", first);
    km_warn(r, binding, "SyncWorkFailed", why);
}

static bool ensure_work(struct km_round *r, const struct km_binding_kind *bk, const json_t *binding,
                        const json_t *template, const json_t *target)
{
    const char *name = cf_json_str(target, "", "name", NULL);
    const json_t *cluster = sbx_pass_one(&r->hub, KM_G_CLUSTER, "clusters", NULL, name);
    if (!cluster)
        return true; /* it left: nothing can be made there */
    cf_autojson json_t *manifest = cf_json_copy(template);
    if (cf_json_int(binding, 0, "spec", "replicas", NULL) > 0 ||
        cf_json_at(binding, "spec", "replicaRequirements", NULL))
        km_set_replicas(manifest, cf_json_int(target, 0, "replicas", NULL));
    CF_CLEANUP(km_overridden_free) struct km_overridden overridden = { NULL, NULL };
    cf_autofree char *policy = NULL, *why = NULL;
    if (!km_override(r, &manifest, cluster, &overridden, &policy, &why)) {
        complain(r, binding, template, policy, name, why);
        return true; /* until a policy changes */
    }
    json_t *labels = labels_for(bk, binding, manifest);
    json_t *notes = annotations_for(bk, binding, template, manifest);
    struct km_work w = { .cluster = name,
                         .template = template,
                         .manifest = cf_steal(&manifest),
                         .labels = labels,
                         .annotations = notes,
                         .overridden = &overridden,
                         .binding_spec = json_object_get(binding, "spec") };
    return km_work_write(r, &w);
}

/* ---- A binding ---- */

/* It does not wait for its Works to be gone. */
static void end_binding(struct km_round *r, const struct km_binding_kind *bk, const json_t *binding,
                        const json_t *works)
{
    if (!sbx_has_finalizer(binding, bk->finalizer))
        return;
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_unconst(works), i, w)
    {
        if (!sbx_is_going(w))
            (void)sbx_pass_delete(&r->hub, KM_G_WORK, "works", w, -1);
    }
    (void)km_drop_finalizer(r, KM_G_WORK, bk->plural, binding, bk->finalizer);
}

/* What makes the Works be looked at: the binding's spec, overrides, and the Works themselves; the
 * template only by way of the binding. */
static void state_of(struct km_round *r, const json_t *binding, const json_t *works,
                     char out[KM_DIGEST])
{
    cf_autojson json_t *all =
        json_pack("[I,s]", (json_int_t)cf_json_int(binding, 0, "metadata", "generation", NULL),
                  km_overrides_digest(r));
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_unconst(works), i, w)
    {
        json_array_append_new(
            all, json_pack("[s,I,b]", sbx_uid(w),
                           (json_int_t)cf_json_int(w, 0, "metadata", "generation", NULL),
                           (int)sbx_is_going(w)));
    }
    km_digest(all, out);
}

static bool scheduler_is_behind(const json_t *binding)
{
    const char *applied =
        cf_json_str(binding, NULL, "metadata", "annotations", KM_APPLIED_PLACEMENT, NULL);
    const json_t *wanted = cf_json_at(binding, "spec", "placement", NULL);
    if (!applied || !wanted)
        return false;
    cf_autofree char *placement = cf_json_dump(wanted);
    return strcmp(applied, placement) != 0;
}

/* A change of placement and of `preserve` in one write: whether the old Works are told to preserve
 * depends on who is faster, this controller or the scheduler. */
static bool loses_race(struct km_round *r, const json_t *binding)
{
    if (!scheduler_is_behind(binding) ||
        !cf_json_bool(binding, false, "spec", "preserveResourcesOnDeletion", NULL))
        return false;
    int64_t race = km_get(&r->plane->switches, KM_RACE);
    if (race == KM_RACE_SEEDED) {
        char digest[KM_DIGEST];
        cf_autojson json_t *key = json_pack("[s,s]", sbx_name(binding), sbx_uid(binding));
        km_digest(key, digest);
        race =
            strtoull(digest, NULL, 16) % RACE_RUNS < RACE_LOST ? KM_RACE_DELETES : KM_RACE_SURVIVES;
    }
    return race == KM_RACE_DELETES &&
           !km_after(r, RACE_MS, "race %s %lld", sbx_uid(binding),
                     (long long)cf_json_int(binding, 0, "metadata", "generation", NULL));
}

static bool write_works(struct km_round *r, const struct km_binding_kind *bk, const json_t *binding,
                        const json_t *works)
{
    cf_autojson json_t *targets = targets_of(binding);
    bool ok = drop_orphans(r, binding, works, targets);
    const json_t *template = km_template_of(r, binding);
    size_t i;
    json_t *target;
    json_array_foreach(template ? targets : NULL, i, target)
    {
        ok &= ensure_work(r, bk, binding, template, target);
    }
    return ok;
}

/* Our own writes are no news: what stands after them is noted, unless a Work is missing that should
 * be there. */
static void note_written(struct km_round *r, const struct km_binding_kind *bk,
                         const json_t *binding, char state[KM_DIGEST])
{
    cf_autojson json_t *all = sbx_api_all(r->hub.world->api, KM_G_WORK, "works", NULL),
                       *now = km_works_among(all, bk, binding), *targets = targets_of(binding),
                       *found = json_array();
    size_t i;
    json_t *o;
    json_array_foreach(now, i, o)
    {
        json_array_append_new(found, json_pack("{s:s}", "name", km_work_cluster(o)));
    }
    bool complete = true;
    json_array_foreach(targets, i, o)
    {
        complete &= km_has_cluster(found, cf_json_str(o, "", "name", NULL));
    }
    if (complete)
        state_of(r, binding, now, state);
    km_note(r, state, "works %s", sbx_uid(binding));
}

static void look_at(struct km_round *r, const struct km_binding_kind *bk, json_t *binding)
{
    cf_autojson json_t *works = km_works_of(r, bk, binding);
    if (sbx_is_going(binding)) {
        end_binding(r, bk, binding, works);
        return;
    }
    if (!*km_binding_id(bk, binding) || loses_race(r, binding))
        return;
    char state[KM_DIGEST];
    state_of(r, binding, works, state);
    const char *seen = km_recall(r, "works %s", sbx_uid(binding));
    if ((seen && strcmp(seen, state) == 0) ||
        !km_after(r, WORKS_MS, "works %s %s", sbx_uid(binding), state))
        return;
    if (write_works(r, bk, binding, works))
        note_written(r, bk, binding, state);
}

void km_ctl_bindings(struct km_round *r)
{
    km_each_binding(r, look_at);
}
