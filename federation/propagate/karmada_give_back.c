/* SPDX-License-Identifier: Apache-2.0 */
/* Giving templates back to the policies that placed them before the run.
 *
 * First our policy places on the source alone again, and the target's Works go: they preserve, so the
 * copies stay for the undo to delete. Then each template's claim is written as it was, which leaves
 * the binding's clusters as they are; only when every binding shows its owner's policy may ours go,
 * for Karmada would look for another owner of what it still has. Whose a template was says the image
 * that was kept of it. Every call looks at what is left. */
#include <string.h>

#include "federation/propagate/karmada.h"

struct giving {
    const struct cf_karmada *k;
    json_t *owners;   /* text of a claim → the live policy, which is plain */
    json_t *bindings; /* all of the namespace */
    int *io_room;     /* claims that this call may still write */
};

static void giving_free(struct giving *g)
{
    json_decref(g->owners);
    json_decref(g->bindings);
}

/* One template of a policy's row. */
struct returned {
    json_t *live;  /* NULL: gone */
    json_t *claim; /* on it now; NULL: nobody's */
    json_t *owner; /* the owner's claim; NULL: never taken over */
};

static void returned_free(struct returned *r)
{
    json_decref(r->live);
    json_decref(r->claim);
    json_decref(r->owner);
}

/* The record says whose it was; where there is none, or it is neither ours nor his, the image does,
 * which is there for what was really taken. */
static bool find_claims(const struct cf_karmada *k, const char *key, struct returned *out,
                        struct cf_error *err)
{
    json_t *recorded = json_object_get(json_object_get(k->p->state, "placed"), key);
    out->claim = cf_karmada_claim(out->live);
    if (recorded &&
        (cf_karmada_claim_is_ours(k, out->claim) || cf_karmada_claim_same(out->claim, recorded))) {
        out->owner = json_incref(recorded);
        return true;
    }
    return cf_karmada_owner(k, key, &out->owner, err);
}

static bool read_template(const struct cf_karmada *k, const json_t *object, struct returned *out,
                          struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    bool found = false;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &out->live, err))
        return cf_error_wrap(err, "read template %s %s", ref.kind, ref.name);
    return find_claims(k, cf_json_str(object, "", "key", NULL), out, err);
}

/* --- back to the source alone --- */

/* The policy's objects whose templates are ours still; new reference. */
static bool find_held(const struct cf_karmada *k, const json_t *policy, json_t **out_objects,
                      struct cf_error *err)
{
    cf_autojson json_t *held = json_array();
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        CF_CLEANUP(returned_free) struct returned r = { 0 };
        if (!read_template(k, object, &r, err))
            return false;
        if (cf_karmada_claim_is_ours(k, r.claim))
            json_array_append(held, object);
    }
    *out_objects = cf_steal(&held);
    return true;
}

static json_t *bound_ids(const struct cf_karmada *k)
{
    json_t *ids = json_object_get(k->p->state, "placedBound");
    if (!ids) {
        ids = json_object();
        json_object_set_new(k->p->state, "placedBound", ids);
    }
    return ids;
}

static bool target_let_go(const struct cf_karmada *k, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    int left = 0;
    if (!cf_karmada_works_left(k, bound_ids(k), k->target, k->p->target, &left, err))
        return false;
    *out_so = left == 0;
    return *out_so || cf_copying_waits(out, "%s has yet to let go of %d objects of the target",
                                       cf_kube_name(k->hub), left);
}

/* `held`: those of the policy's objects that it has. */
static bool shrink(const struct cf_karmada *k, json_t *policy, json_t *held, bool *out_so,
                   struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    cf_autojson json_t *home = cf_json_copy(policy);
    cf_autojson json_t *ignored = json_array();
    json_object_set_new(home, "phase", json_integer(CF_PHASE_TAKEN));
    *out_so = true;
    if (!cf_karmada_look(k, policy, NULL, &look, err))
        return false;
    if (!look.policy_object) /* somebody deleted it: Karmada has let its templates go */
        return true;
    cf_karmada_note_ids(look.bindings, bound_ids(k));
    if (!cf_karmada_policy_is(k, home, look.policy_object, ignored) &&
        !cf_karmada_policy_write(k, policy, CF_PHASE_TAKEN, err))
        return false;
    json_object_set_new(policy, "phase", json_integer(CF_PHASE_TAKEN));
    json_object_set(home, "objects", held);
    if (!cf_karmada_bound(k, home, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    return target_let_go(k, out_so, out, err);
}

/* --- the claims --- */

/* The owner's policy as it stands; *out NULL: `out` says why it cannot have its templates back. */
static bool find_owner(struct giving *g, const json_t *owner, const json_t **out_policy,
                       struct cf_copying *out, struct cf_error *err)
{
    cf_autofree char *text = cf_karmada_claim_text(owner);
    struct cf_object_ref ref = cf_karmada_claim_ref(owner);
    cf_autojson json_t *live = NULL;
    bool found = false;
    const char *hint;
    *out_policy = json_object_get(g->owners, text);
    if (*out_policy)
        return true;
    if (!cf_kube_find(g->k->hub, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read %s", text);
    if (!found)
        return cf_copying_stuck(out,
                                "%s is gone from %s: make it again, so that it has on %s what it "
                                "had there",
                                text, cf_kube_name(g->k->hub), g->k->source);
    cf_autofree char *why = cf_karmada_not_plain(live, g->k->source, &hint);
    if (why)
        return cf_copying_stuck(out,
                                "%s of %s cannot have its objects back as they are: %s. Make it as "
                                "it was before the run",
                                text, cf_kube_name(g->k->hub), why);
    json_object_set(g->owners, text, live);
    *out_policy = json_object_get(g->owners, text);
    return true;
}

/* The binding is as the owner's policy has it. */
static bool is_returned(struct giving *g, const json_t *object, const json_t *policy, bool *out_so,
                        struct cf_copying *out, struct cf_error *err)
{
    const struct cf_karmada *k = g->k;
    const char *key = cf_json_str(object, "", "key", NULL);
    const char *scheduler = cf_json_str(policy, "default-scheduler", "spec", "schedulerName", NULL);
    cf_autojson json_t *source = json_pack("[s]", k->source);
    cf_autojson json_t *claim = cf_karmada_claim_by(policy);
    const json_t *binding = cf_karmada_binding_among(
        g->bindings, cf_json_str(object, "", "kind", NULL), cf_json_str(object, "", "name", NULL));
    bool of_cluster = !*cf_json_str(claim, "", "namespace", NULL);
    const char *id = cf_json_str(binding, "", "metadata", "labels",
                                 of_cluster ? CF_KARMADA_CLUSTER_ID : CF_KARMADA_POLICY_ID, NULL);
    *out_so = false;
    if (!binding || strcmp(id, cf_json_str(claim, "", "id", NULL)) != 0 ||
        !cf_karmada_shows_policy(policy, binding) ||
        strcmp(cf_json_str(binding, "default-scheduler", "spec", "schedulerName", NULL),
               scheduler) != 0)
        return cf_copying_waits(out, "%s has yet to show %s under the policy that had it before",
                                cf_kube_name(k->hub), key);
    if (!cf_karmada_claim_leave(k, binding, claim, out_so, err))
        return false;
    if (!*out_so)
        return cf_copying_waits(out, "our policy leaves the ResourceBinding of %s", key);
    if (strcmp(scheduler, "default-scheduler") == 0)
        return cf_karmada_is_scheduled(k, binding, source, out_so, out);
    *out_so = cf_karmada_is_placed_on(binding, source);
    return *out_so || cf_copying_stuck(out, "%s is no longer placed on %s alone", key, k->source);
}

static bool give_one(struct giving *g, const json_t *object, bool *out_so, struct cf_copying *out,
                     struct cf_error *err)
{
    CF_CLEANUP(returned_free) struct returned r = { 0 };
    const char *key = cf_json_str(object, "", "key", NULL);
    const json_t *policy = NULL;
    *out_so = true;
    if (!read_template(g->k, object, &r, err))
        return false;
    if (!r.live || !r.owner)
        return true;
    *out_so = false;
    if (!find_owner(g, r.owner, &policy, out, err) || !policy)
        return err->kind == CF_ERR_NONE;
    if (cf_karmada_claim_same(r.claim, r.owner))
        return is_returned(g, object, policy, out_so, out, err);
    cf_autofree char *by = r.claim ? cf_karmada_claim_text(r.claim) : NULL;
    cf_autofree char *text = cf_karmada_claim_text(r.owner);
    if (by && !cf_karmada_claim_is_ours(g->k, r.claim))
        return cf_copying_stuck(out, "%s is claimed by %s, and was %s's: take it out of the former",
                                key, by, text);
    if (!cf_karmada_selects(policy, r.live))
        return cf_copying_stuck(out, "%s no longer selects %s, and cannot have it back: select it",
                                text, key);
    bool written = false;
    cf_autojson json_t *to = cf_karmada_claim_by(policy);
    if (--*g->io_room < 0)
        return true; /* there is more to do at once */
    if (!cf_karmada_claim_write(g->k, r.live, to, &written, err))
        return false;
    return cf_copying_waits(out, "%s passes back to %s", key, text);
}

static bool give_all(struct giving *g, const json_t *policy, bool *out_so, struct cf_copying *out,
                     struct cf_error *err)
{
    int waiting = 0;
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        struct cf_copying mine = { 0 };
        bool so = false;
        if (!give_one(g, object, &so, &mine, err))
            return false;
        if (!so)
            cf_copying_among(out, &mine, &waiting);
    }
    *out_so = waiting == 0;
    return true;
}

static bool give_back_one(struct giving *g, json_t *policy, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    cf_autojson json_t *held = NULL;
    if (!find_held(g->k, policy, &held, err))
        return false;
    *out_so = true;
    if (json_array_size(held) > 0 && (!shrink(g->k, policy, held, out_so, out, err) || !*out_so))
        return err->kind == CF_ERR_NONE;
    if (!give_all(g, policy, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    json_object_set_new(policy, "givenBack", json_true());
    return true;
}

bool cf_karmada_give_back(const struct cf_karmada *k, int *io_room, bool *out_so,
                          struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(giving_free)
    struct giving g = { .k = k, .owners = json_object(), .io_room = io_room };
    int waiting = 0;
    size_t i;
    json_t *policy;
    *out_so = true;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        struct cf_copying mine = { 0 };
        bool so = false;
        if (!cf_karmada_policy_is_placed(policy) ||
            cf_json_bool(policy, false, "givenBack", NULL) ||
            cf_karmada_phase_of(policy) == CF_PHASE_PLANNED)
            continue;
        if (!g.bindings && !cf_karmada_bindings(k, &g.bindings, err))
            return false;
        if (!give_back_one(&g, policy, &so, &mine, err))
            return false;
        if (!so)
            cf_copying_among(out, &mine, &waiting);
    }
    *out_so = waiting == 0;
    if (*io_room < 0 && !out->stuck)
        *out = (struct cf_copying){ 0 };
    if (*out_so && *k->target && json_object_get(k->p->state, "placedBound"))
        return target_let_go(k, out_so, out, err);
    return true;
}
