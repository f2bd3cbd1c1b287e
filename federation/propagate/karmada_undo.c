/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a copy through Karmada back.
 *
 * The order is what keeps everything alive: templates go while our policies still stand (a policy
 * that waits for them would seize them, and move the workload in one step); the Works preserve, so
 * no member loses an object by it; then the policies; then what is ours in the target, object by
 * object, by the run's label and the recorded uid; last the namespace of the control plane. Before
 * all that, what was taken over from policies of others is given back to them. Every call looks at
 * what is left and keeps no place of its own. */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/propagate/karmada.h"

struct undoing {
    struct cf_karmada k;
    int room;
};

static bool delete_one(struct undoing *u, const json_t *object, struct cf_error *err)
{
    struct cf_object_ref ref;
    struct cf_kube_delete how = CF_KUBE_DELETE_INIT;
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_json_at(object, "metadata", "deletionTimestamp", NULL))
        return true;
    if (!cf_ref_of(object, &ref, err))
        return false;
    u->room--;
    how.uid = cf_object_uid(object);
    if (cf_kube_delete(u->k.hub, NULL, &ref, &how, &mine) || mine.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "delete %s %s on %s", ref.kind, ref.name, cf_kube_name(u->k.hub));
}

/* Deletes what carries our label of one kind; *io_left counts what was there. What is optional may
 * be unreadable: then we could not have made any. */
static bool delete_kind(struct undoing *u, const char *api_version, const char *kind, bool optional,
                        int *io_left, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", u->k.p->run_id);
    struct cf_kube_list list = { .api_version = api_version,
                                 .kind = kind,
                                 .ns = u->k.p->target_namespace,
                                 .label_selector = selector };
    cf_autojson json_t *items = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_kube_list(u->k.hub, NULL, &list, &items, NULL, &mine)) {
        if (mine.kind == CF_ERR_NOT_FOUND || (optional && mine.kind == CF_ERR_DENIED))
            return true;
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "look for our %s objects on %s", kind, cf_kube_name(u->k.hub));
    }
    size_t i;
    json_t *object;
    json_array_foreach(items, i, object)
    {
        ++*io_left;
        if (u->room > 0 && !delete_one(u, object, err))
            return false;
    }
    return true;
}

/* --- templates --- */

/* The kinds of the table, and those beyond it that our policies select: true for one that is
 * optional and that none of them selects. */
static json_t *kinds_carried(const struct cf_karmada *k)
{
    json_t *kinds = json_object();
    for (const struct cf_kind *row = cf_kinds; row->kind; row++) {
        char version[64];
        cf_autofree char *key = cf_xasprintf("%s %s", cf_kind_api_version(row, version), row->kind);
        if (!(row->flags & (CF_KIND_AMBIENT | CF_KIND_CLUSTER | CF_KIND_CUSTOM)))
            json_object_set_new(kinds, key, json_boolean(row->flags & CF_KIND_OPTIONAL));
    }
    size_t i, n;
    json_t *policy, *object;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            cf_autofree char *key =
                cf_xasprintf("%s %s", cf_json_str(object, "", "apiVersion", NULL),
                             cf_json_str(object, "", "kind", NULL));
            json_object_set_new(kinds, key, json_false());
        }
    }
    return kinds;
}

static bool delete_templates(struct undoing *u, int *out_left, struct cf_error *err)
{
    cf_autojson json_t *kinds = kinds_carried(&u->k);
    const char *key;
    json_t *value;
    *out_left = 0;
    json_object_foreach(kinds, key, value)
    {
        cf_autofree char *version = cf_xstrndup(key, strcspn(key, " "));
        if (!delete_kind(u, version, key + strlen(version) + 1, json_is_true(value), out_left, err))
            return false;
    }
    return true;
}

/* In adoption the source lives on what its Works preserve: read in each of them before the first
 * template goes. */
static bool source_is_preserved(const struct cf_karmada *k, bool *out_so, struct cf_copying *out,
                                struct cf_error *err)
{
    size_t i;
    json_t *policy;
    *out_so = true;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
        const char *id;
        json_t *work;
        if (cf_karmada_policy_is_placed(policy))
            continue;
        if (!cf_karmada_look(k, policy, k->source, &look, err))
            return false;
        json_object_foreach(look.works, id, work)
        {
            *out_so = cf_json_bool(work, false, "spec", "preserveResourcesOnDeletion", NULL);
            if (!*out_so)
                return cf_copying_stuck(
                    out,
                    "Work %s of %s does not preserve its object: taking the template away would "
                    "delete it in %s. Set preserveResourcesOnDeletion in PropagationPolicy %s",
                    cf_json_str(work, "", "metadata", "name", NULL), k->source,
                    cf_kube_name(k->p->source), cf_json_str(policy, "", "name", NULL));
        }
    }
    return true;
}

/* --- policies that no record names --- */

/* A call that was killed may have made policies that the state does not know: they are ours by their
 * label, and say themselves what they select. */
static void recover_one(const struct cf_karmada *k, const json_t *live)
{
    const char *name = cf_json_str(live, "", "metadata", "name", NULL);
    size_t len = strlen(name);
    bool own = len > 4 && strcmp(name + len - 4, "-run") == 0;
    cf_autofree char *plain = cf_xstrndup(name, own ? len - 4 : len);
    size_t i;
    json_t *row;
    json_array_foreach(cf_karmada_policies(k), i, row)
    {
        if (strcmp(cf_json_str(row, "", "name", NULL), plain) == 0) {
            if (cf_karmada_phase_of(row) == CF_PHASE_PLANNED)
                json_object_set_new(row, "phase", json_integer(CF_PHASE_TAKING));
            return;
        }
    }
    json_t *objects = json_array();
    json_array_foreach(cf_json_at(live, "spec", "resourceSelectors", NULL), i, row)
    {
        cf_autojson json_t *bare =
            json_pack("{s:O, s:O, s:{s:O, s:s}}", "apiVersion", json_object_get(row, "apiVersion"),
                      "kind", json_object_get(row, "kind"), "metadata", "name",
                      json_object_get(row, "name"), "namespace", k->p->target_namespace);
        cf_autofree char *key = cf_object_key(bare, NULL);
        json_array_append_new(objects, json_pack("{s:s, s:O, s:O, s:O}", "key", key, "apiVersion",
                                                 json_object_get(row, "apiVersion"), "kind",
                                                 json_object_get(row, "kind"), "name",
                                                 json_object_get(row, "name")));
    }
    json_object_set_new(k->p->state, "scheduler", json_string(own ? "own" : "default"));
    json_t *known = json_pack("{s:s, s:i, s:i, s:o}", "name", plain, "wave", 0, "phase",
                              CF_PHASE_TAKING, "objects", objects);
    if (cf_json_at(live, "metadata", "labels", CF_LABEL_PLACED, NULL))
        json_object_set_new(known, "placed", json_true());
    json_array_append_new(cf_karmada_policies(k), known);
}

static bool recover_policies(struct cf_karmada *k, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", k->p->run_id);
    struct cf_kube_list list = { .api_version = CF_KARMADA_POLICY_API,
                                 .kind = "PropagationPolicy",
                                 .ns = k->p->target_namespace,
                                 .label_selector = selector };
    cf_autojson json_t *items = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    size_t i;
    json_t *live;
    if (!cf_kube_list(k->hub, NULL, &list, &items, NULL, &mine)) {
        if (mine.kind == CF_ERR_NOT_FOUND)
            return true;
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "look for our policies on %s", cf_kube_name(k->hub));
    }
    json_array_foreach(items, i, live)
    {
        recover_one(k, live);
    }
    return json_array_size(items) == 0 || *k->target || cf_karmada_open(k->p, k, err);
}

/* --- bindings and Works --- */

/* A Work whose object is not there, or was never Karmada's, cannot let go of it: it keeps its
 * finalizer for ever. Only what a direct read shows counts. */
static bool free_work(const struct cf_karmada *k, struct cf_kube *kube, const json_t *work,
                      struct cf_error *err)
{
    const json_t *finalizers = cf_json_at(work, "metadata", "finalizers", NULL);
    struct cf_object_ref at, ref;
    bool found = false;
    cf_autojson json_t *live = NULL;
    if (!cf_ref_of(cf_karmada_manifest(work), &at, err) || !cf_ref_of(work, &ref, err) ||
        !cf_kube_find(kube, NULL, &at, &found, &live, err))
        return false;
    if (found && cf_json_at(live, "metadata", "labels", CF_KARMADA_MANAGED, NULL))
        return true;
    for (size_t i = 0; i < json_array_size(finalizers); i++) {
        if (strcmp(json_string_value(json_array_get(finalizers, i)), CF_KARMADA_WORK_FINISHER) != 0)
            continue;
        cf_autofree char *path = cf_xasprintf("/metadata/finalizers/%zu", i);
        cf_autojson json_t *patch =
            json_pack("[{s:s, s:s, s:s}, {s:s, s:s}]", "op", "test", "path", path, "value",
                      CF_KARMADA_WORK_FINISHER, "op", "remove", "path", path);
        struct cf_error mine = CF_ERROR_INIT;
        if (cf_kube_json_patch(k->hub, NULL, &ref, patch, NULL, NULL, &mine) ||
            mine.kind == CF_ERR_NOT_FOUND || mine.upstream == 422 || mine.upstream == 409)
            return true;
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "free Work %s of %s", ref.name, cf_kube_name(k->hub));
    }
    return true;
}

/* The bindings of our policies as they are now; those seen before are remembered: a binding goes
 * before its Works do. A policy that is only planned is looked for all the same: who wrote it may
 * have been stopped before saying so. *out_left: how many there are. */
static bool note_bindings(const struct cf_karmada *k, int *out_left, struct cf_error *err)
{
    json_t *known = json_object_get(k->p->state, "bound");
    size_t i;
    json_t *policy;
    if (!known) {
        known = json_object();
        json_object_set_new(k->p->state, "bound", known);
    }
    *out_left = 0;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
        if (cf_karmada_policy_is_placed(policy))
            continue;
        if (!cf_karmada_look(k, policy, NULL, &look, err))
            return false;
        *out_left += (int)json_object_size(look.bindings);
        cf_karmada_note_ids(look.bindings, known);
    }
    return true;
}

bool cf_karmada_works_left(const struct cf_karmada *k, const json_t *binding_ids,
                           const char *member, struct cf_kube *kube, int *io_left,
                           struct cf_error *err)
{
    cf_autojson json_t *works = NULL;
    const char *id;
    json_t *work;
    if (!*member)
        return true;
    if (!cf_karmada_works_by_id(k, binding_ids, member, &works, err))
        return false;
    json_object_foreach(works, id, work)
    {
        ++*io_left;
        if (cf_json_at(work, "metadata", "deletionTimestamp", NULL) &&
            !free_work(k, kube, work, err))
            return false;
    }
    return true;
}

/* *out_left: bindings and Works that are still there; nothing of a member is touched before they are
 * gone. */
static bool still_held(const struct cf_karmada *k, int *out_left, struct cf_copying *out,
                       struct cf_error *err)
{
    if (!note_bindings(k, out_left, err))
        return false;
    const json_t *ids = json_object_get(k->p->state, "bound");
    if (!cf_karmada_works_left(k, ids, k->target, k->p->target, out_left, err) ||
        !cf_karmada_works_left(k, ids, k->source, k->p->source, out_left, err))
        return false;
    if (*out_left > 0)
        return cf_copying_waits(out, "%s has yet to let go of %d bindings and Works",
                                cf_kube_name(k->hub), *out_left);
    return true;
}

/* --- the target --- */

/* What the ledger does not name yet, since it is written when everything stands: taken back like the
 * rest. What has a before-image was taken over, and is given back instead of deleted. */
static bool complete_ledger(const struct cf_karmada *k, json_t *ledger, struct cf_error *err)
{
    cf_autojson json_t *index = cf_json_index(ledger, "key", NULL);
    size_t i, n;
    json_t *policy, *object;
    if (cf_json_bool(k->p->state, false, "ledgerWhole", NULL))
        return true;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            const char *key = cf_json_str(object, "", "key", NULL);
            struct cf_object_ref ref = cf_karmada_object_ref(k, object);
            cf_autojson json_t *image = NULL;
            if (json_object_get(index, key))
                continue;
            if (k->overwrite && !k->p->before.get(k->p->before.self, key, &image, err))
                return false;
            json_array_append_new(ledger,
                                  json_pack("{s:s, s:o, s:s, s:s, s:s}", "key", key, "ref",
                                            cf_direct_ref_json(&ref), "uid", "", "how",
                                            image ? "overwritten" : "created", "digest", ""));
        }
    }
    json_object_set_new(k->p->state, "ledgerWhole", json_true());
    return true;
}

static bool undo_all(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                     struct cf_copying *out, json_t **out_left, struct cf_error *err)
{
    struct undoing u = { .room = max_objects };
    bool so = true;
    int templates = 0, held = 0, policies = 0;
    cf_karmada_view(p, &u.k);
    if (!recover_policies(&u.k, err))
        return false;
    if (!cf_karmada_give_back(&u.k, &u.room, &so, out, err) || !so)
        return err->kind == CF_ERR_NONE;
    if (u.k.adopt && *u.k.source && (!source_is_preserved(&u.k, &so, out, err) || !so))
        return err->kind == CF_ERR_NONE;
    if (!note_bindings(&u.k, &held, err) || !delete_templates(&u, &templates, err) ||
        !still_held(&u.k, &held, out, err))
        return false;
    if (templates > 0 || held > 0) {
        if (u.room <= 0)
            out->waits = false; /* there is more to do at once */
        else if (!out->waits)
            cf_copying_waits(out, "%s has yet to let go of %d templates", cf_kube_name(u.k.hub),
                             templates);
        return true;
    }
    if (!delete_kind(&u, CF_KARMADA_POLICY_API, "PropagationPolicy", false, &policies, err) ||
        !delete_kind(&u, CF_KARMADA_POLICY_API, "OverridePolicy", false, &policies, err))
        return false;
    if (policies > 0) {
        if (u.room > 0)
            cf_copying_waits(out, "%s has yet to remove %d policies of ours", cf_kube_name(u.k.hub),
                             policies);
        return true;
    }
    if (u.k.adopt && !cf_json_bool(p->state, false, "sourceCleaned", NULL)) {
        if (!cf_karmada_clean_source(&u.k, err))
            return false;
        json_object_set_new(p->state, "sourceCleaned", json_true());
    }
    if (!complete_ledger(&u.k, *io_ledger, err) ||
        !cf_direct_undo(p, io_ledger, max_objects, out, out_left, err))
        return false;
    if (!out->done)
        return true;
    return cf_karmada_namespace_remove(&u.k, err);
}

bool cf_karmada_undo(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                     struct cf_copying *out, json_t **out_left, struct cf_error *err)
{
    json_t *left = NULL;
    bool ok = cf_karmada_end(undo_all(p, io_ledger, max_objects, out, &left, err), out, err);
    if (!ok) {
        json_decref(left);
        return false;
    }
    *out_left = left ? left : json_array();
    return true;
}
