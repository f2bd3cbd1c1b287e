/* SPDX-License-Identifier: Apache-2.0 */
/* A pass into a namespace of the other cluster, as one table.
 *
 *   phase    does                                      goes on when
 *   clear    hands the pass over again (a sync may     the pass is known; nothing of the claims' and
 *            have taken it away), takes away what an   stage pods' names is in the namespace
 *            attempt of this pass has left
 *   create   modifiers, a scratch namespace, Restore   they stand
 *   run      looks                                     it has ended, each claim Bound with evidence
 *   tidy     takes the stage pods away                 they are gone
 *   settle   a rehearsal looks                         its Restore has ended: only then may its claims go
 *   done, failed
 *
 * A claim or a pod that is there is what Velero skips without a word, and then calls Completed: so a
 * claim that is not of this very pass is never touched, and stops it by name. Restores of a cluster
 * are carried out one at a time: who is in front is named. They are finalized one at a time, too, and a
 * claim that goes meanwhile is waited for, for ten minutes, by everybody behind. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "velero/evidence.h"
#include "velero/modifiers.h"
#include "velero/phases.h"

enum {
    BIND_MAX_MS = 2 * 60 * 1000,    /* from the end of a Restore until its claims are Bound */
    SETTLE_MAX_MS = 12 * 60 * 1000, /* Velero's own limit is 10 minutes */
};

struct restoring {
    const struct cf_volumes *v;
    int n;
    bool rehearsal;
    json_t *pass, *row; /* of the pass, and of this restore of it */
    char ns[CF_LABEL_MAX];
    char name[CF_VELERO_NAME_MAX];
};

typedef bool phase_fn(struct restoring *r, bool *out_on, struct cf_moving *out,
                      struct cf_error *err);

/* --- clear --- */

/* Made by a restore of this pass, whichever attempt; in the scratch namespace, of any pass. */
static bool is_of_this_pass(const struct restoring *r, const json_t *claim)
{
    char backup[CF_VELERO_NAME_MAX];
    const char *by = cf_json_str(claim, "", "metadata", "labels", CF_VELERO_RESTORE_NAME, NULL);
    const char *run = cf_json_str(claim, "", "metadata", "labels", CF_VELERO_LABEL_VOLUMES, NULL);
    size_t len;
    cf_velero_backup_name(r->v, r->n, 1, backup);
    len = strlen(backup) - 1; /* without the attempt's number */
    return strcmp(run, r->v->run_id) == 0 && (r->rehearsal || strncmp(by, backup, len) == 0);
}

/* The claims of the plan that exist in the namespace. */
static bool existing(const struct restoring *r, json_t **out, struct cf_error *err)
{
    cf_autojson json_t *items = NULL;
    cf_autojson json_t *wanted = cf_json_index(r->v->claims, "name", NULL);
    size_t i;
    json_t *one;
    if (!cf_velero_list(r->v->to, "v1", "PersistentVolumeClaim", r->ns, NULL, NULL, &items, err))
        return false;
    json_t *found = json_array();
    json_array_foreach(items, i, one)
    {
        if (json_object_get(wanted, cf_json_str(one, "", "metadata", "name", NULL)))
            json_array_append(found, one);
    }
    *out = found;
    return true;
}

static bool clear_claims(const struct restoring *r, bool *out_on, struct cf_moving *out,
                         struct cf_error *err)
{
    cf_autojson json_t *found = NULL;
    cf_autojson json_t *pods = NULL;
    size_t i;
    json_t *claim;
    *out_on = false;
    if (!existing(r, &found, err))
        return false;
    if (json_array_size(found) == 0) {
        *out_on = true;
        return true;
    }
    if (!cf_velero_list(r->v->to, "v1", "Pod", r->ns, NULL, cf_velero_trim_pod, &pods, err))
        return false;
    json_array_foreach(found, i, claim)
    {
        const char *name = cf_json_str(claim, "", "metadata", "name", NULL);
        const char *user = cf_claim_user(pods, name);
        if (cf_json_at(claim, "metadata", "deletionTimestamp", NULL) && !user)
            continue;
        if (!is_of_this_pass(r, claim))
            return cf_moving_stuck(
                out,
                "claim %s/%s exists on %s and was not made by this pass: Velero "
                "would leave it as it is; delete it, or leave it out of the plan",
                r->ns, name, cf_kube_name(r->v->to));
        if (user)
            return cf_moving_stuck(out, "claim %s/%s on %s is used by pod %s: stop it first", r->ns,
                                   name, cf_kube_name(r->v->to), user);
    }
    return cf_kube_each(r->v->to, found, cf_claim_delete, r->v->to, err) &&
           cf_moving_waits(out, CF_VELERO_LOOK_MS, "%zu claims are being deleted on %s",
                           json_array_size(found), cf_kube_name(r->v->to));
}

static bool phase_clear(struct restoring *r, bool *out_on, struct cf_moving *out,
                        struct cf_error *err)
{
    struct cf_moving handing = { 0 };
    bool gone = false;
    *out_on = false;
    if (cf_pass_rests(r->row, r->v->now_ms, out))
        return true;
    if (!cf_location_serves(r->v, false, out_on, out, err) || !*out_on)
        return err->kind == CF_ERR_NONE;
    *out_on = false;
    if (!cf_volumes_hand_over(r->v, r->n, &handing, err))
        return false;
    if (!handing.done) {
        *out = handing;
        return true;
    }
    if (!cf_stage_down(r->v, r->v->to, r->ns, &gone, err))
        return false;
    if (!gone)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS, "stage pods on %s are being taken away",
                               cf_kube_name(r->v->to));
    if (!clear_claims(r, out_on, out, err))
        return false;
    if (*out_on)
        cf_pass_go(r->row, "create", r->v->now_ms);
    /* To be recorded before the Restore is made: whoever was cut off there and cleared again would take
     * away what it has restored by then, and it waits for its pods for ever. */
    *out_on = false;
    return true;
}

/* --- create --- */

/* The one of an earlier rehearsal may still be on its way out. */
static bool make_namespace(const struct restoring *r, bool *out_so, struct cf_error *err)
{
    cf_autojson json_t *made = NULL;
    cf_autojson json_t *ns =
        json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "apiVersion", "v1", "kind", "Namespace",
                  "metadata", "name", r->ns, "labels", CF_VELERO_LABEL_RUN, r->v->run_id);
    *out_so = true;
    if (!r->rehearsal)
        return true;
    if (!cf_velero_make(r->v->to, ns, &made, err))
        return false;
    *out_so = !cf_json_at(made, "metadata", "deletionTimestamp", NULL);
    return true;
}

/* Selects what the Backup selected: a workload's own pods, which Velero takes along because they run
 * on the same claims, stay out. Claims come with their stage pods. */
static json_t *restore_of(const struct restoring *r, const json_t *labels)
{
    const struct cf_volumes *v = r->v;
    json_t *o = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:O}, s:{s:s, s:[s], s:[s, s, s], s:{s:{s:s, s:s}}, s:b, "
        "s:{s:s, s:s}}}",
        "apiVersion", CF_VELERO_V1, "kind", "Restore", "metadata", "name", r->name, "namespace",
        v->velero_namespace, "labels", labels, "spec", "backupName",
        cf_json_str(r->pass, "", "backup", NULL), "includedNamespaces", v->from_namespace,
        "includedResources", "pods", "persistentvolumeclaims", "persistentvolumes", "labelSelector",
        "matchLabels", CF_VELERO_LABEL_RUN, v->run_id, CF_VELERO_LABEL_WAY, v->way, "restorePVs", 1,
        "resourceModifier", "kind", "ConfigMap", "name", r->name);
    cf_assert(o);
    if (strcmp(r->ns, v->from_namespace) != 0)
        cf_json_put_take(o, json_string(r->ns), "spec", "namespaceMapping", v->from_namespace,
                         NULL);
    return o;
}

/* Nobody is thought to wait where the classes may not be read. */
static bool read_waits(const struct restoring *r, json_t **out, struct cf_error *err)
{
    cf_autojson json_t *classes = NULL;
    struct cf_error why = CF_ERROR_INIT;
    if (!cf_velero_list(r->v->to, "storage.k8s.io/v1", "StorageClass", NULL, NULL, NULL, &classes,
                        &why) &&
        why.kind != CF_ERR_DENIED)
        return cf_error_move(err, &why);
    *out = cf_modifiers_waits(r->v, classes, json_object_get(cf_way_open(r->v), "classes"));
    return true;
}

static bool phase_create(struct restoring *r, bool *out_on, struct cf_moving *out,
                         struct cf_error *err)
{
    cf_autojson json_t *labels = cf_velero_labels(r->v, r->n, cf_pass_attempt(r->row));
    cf_autojson json_t *restore = restore_of(r, labels);
    cf_autojson json_t *waits = NULL;
    if (!make_namespace(r, out_on, err) || !read_waits(r, &waits, err))
        return false;
    cf_autojson json_t *modifiers = cf_modifiers_of(r->v, r->name, labels, waits);
    if (!*out_on)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS, "namespace %s on %s is being deleted", r->ns,
                               cf_kube_name(r->v->to));
    if (!cf_velero_make(r->v->to, modifiers, NULL, err) ||
        !cf_velero_make(r->v->to, restore, NULL, err))
        return false;
    cf_pass_go(r->row, "run", r->v->now_ms);
    *out_on = true;
    return true;
}

/* --- run --- */

static bool look(const struct restoring *r, json_t **out_restore, json_t **out_operations,
                 json_t **out_claims, struct cf_error *err)
{
    struct cf_object_ref ref = cf_velero_ref(r->v, "Restore", r->name);
    cf_autojson json_t *restore = NULL;
    bool found = false;
    if (!cf_kube_find(r->v->to, NULL, &ref, &found, &restore, err))
        return cf_error_wrap(err, "read Restore %s on %s", r->name, cf_kube_name(r->v->to));
    if (!cf_velero_operations(r->v->to, r->v->velero_namespace, CF_VELERO_RESTORE_NAME, r->name,
                              out_operations, err))
        return false;
    /* The claims are many, and say nothing before the end. */
    bool tells =
        found && (cf_phase_is_end(cf_phase_of(restore)) || cf_velero_only_finalizes(restore));
    if (tells && !existing(r, out_claims, err))
        return false;
    *out_restore = cf_steal(&restore);
    return true;
}

/* Whether the binder has still time to follow. A claim that is never bound is no restored one. */
static bool binds(struct restoring *r, const json_t *restore, const json_t *rows)
{
    if (!restore || cf_phase_of(restore)->class != CF_PHASE_GOOD || !cf_evidence_only_unbound(rows))
        return false;
    int64_t since = cf_json_int(r->row, 0, "bindsSince", NULL);
    if (since == 0)
        json_object_set_new(r->row, "bindsSince", json_integer(since = r->v->now_ms));
    return r->v->now_ms - since < BIND_MAX_MS;
}

static bool phase_run(struct restoring *r, bool *out_on, struct cf_moving *out,
                      struct cf_error *err)
{
    cf_autojson json_t *restore = NULL;
    cf_autojson json_t *operations = NULL;
    cf_autojson json_t *claims = NULL;
    const json_t *backed = json_object_get(r->pass, "rows");
    char why[CF_VERDICT_WHY_MAX];
    int64_t unused = 0;
    *out_on = false;
    if (!look(r, &restore, &operations, &claims, err))
        return false;
    cf_autojson json_t *rows = cf_evidence_restore(r->v, r->ns, backed, operations, claims);
    cf_evidence_progress(r->v, rows, out);
    cf_evidence_bytes(backed, &unused, &out->bytes_total);
    if (binds(r, restore, rows))
        return cf_moving_waits(out, CF_VELERO_LOOK_MS,
                               "Restore %s on %s is over; claims are yet to be bound", r->name,
                               cf_kube_name(r->v->to));
    enum cf_verdict verdict = cf_velero_verdict(restore, rows, why);
    if (verdict != CF_VERDICT_RUNS) /* until then it would be written anew with each look */
        json_object_set(r->row, "rows", rows);
    switch (verdict) {
    case CF_VERDICT_RUNS:
        return cf_velero_goes_on(r->v, r->v->to, r->row, restore, operations, out, err);
    case CF_VERDICT_GOOD:
        cf_pass_in_line(r->row, false, r->v->now_ms);
        cf_pass_go(r->row, "tidy", r->v->now_ms);
        *out_on = true;
        return true;
    case CF_VERDICT_NEVER:
        cf_pass_give_up(r->row);
        break;
    case CF_VERDICT_AGAIN:
        break;
    }
    json_object_del(r->row, "bindsSince");
    return cf_pass_again(r->row, "clear", r->v->now_ms, why, out);
}

/* --- the ends --- */

static bool phase_tidy(struct restoring *r, bool *out_on, struct cf_moving *out,
                       struct cf_error *err)
{
    if (!cf_stage_down(r->v, r->v->to, r->ns, out_on, err))
        return false;
    if (!*out_on)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS, "stage pods on %s are being taken away",
                               cf_kube_name(r->v->to));
    json_object_set_new(r->row, "ms", json_integer(cf_pass_took_ms(r->row, r->v->now_ms)));
    cf_pass_go(r->row, r->rehearsal ? "settle" : "done", r->v->now_ms);
    return true;
}

/* What is restored for good stays, and nobody waits. */
static bool phase_settle(struct restoring *r, bool *out_on, struct cf_moving *out,
                         struct cf_error *err)
{
    struct cf_object_ref ref = cf_velero_ref(r->v, "Restore", r->name);
    cf_autojson json_t *restore = NULL;
    bool found = false;
    if (!cf_kube_find(r->v->to, NULL, &ref, &found, &restore, err))
        return cf_error_wrap(err, "read Restore %s on %s", r->name, cf_kube_name(r->v->to));
    int64_t waited = r->v->now_ms - cf_json_int(r->row, r->v->now_ms, "since", NULL);
    *out_on = !found || cf_phase_is_end(cf_phase_of(restore)) || waited > SETTLE_MAX_MS;
    if (!*out_on)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS,
                               "Restore %s on %s is finalizing: it is taken away after that",
                               r->name, cf_kube_name(r->v->to));
    cf_pass_go(r->row, "done", r->v->now_ms);
    return true;
}

static bool phase_done(struct restoring *r, bool *out_on, struct cf_moving *out,
                       struct cf_error *err)
{
    (void)err;
    *out_on = false;
    cf_evidence_progress(r->v, json_object_get(r->row, "rows"), out);
    return cf_moving_done(out);
}

static bool phase_failed(struct restoring *r, bool *out_on, struct cf_moving *out,
                         struct cf_error *err)
{
    bool gone = false;
    *out_on = false;
    return cf_stage_down(r->v, r->v->to, r->ns, &gone, err) &&
           cf_moving_failed(out, "%s", cf_json_str(r->row, "", "why", NULL));
}

static const struct {
    const char *name;
    phase_fn *run;
} phases[] = {
    { "clear", phase_clear },   { "create", phase_create }, { "run", phase_run },
    { "tidy", phase_tidy },     { "settle", phase_settle }, { "done", phase_done },
    { "failed", phase_failed },
};

static bool run_phase(struct restoring *r, bool *out_on, struct cf_moving *out,
                      struct cf_error *err)
{
    cf_velero_restore_name(r->v, r->n, cf_pass_attempt(r->pass), cf_pass_attempt(r->row),
                           r->rehearsal, r->name);
    for (size_t i = 0; i < CF_ARRAY_LEN(phases); i++)
        if (cf_pass_is(r->row, phases[i].name))
            return phases[i].run(r, out_on, out, err);
    return cf_error_set(err, CF_ERR_BUG, "the restore of pass %d is in phase %s", r->n,
                        cf_pass_phase(r->row));
}

bool cf_volumes_restore(const struct cf_volumes *v, int n, bool rehearsal, struct cf_moving *out,
                        struct cf_error *err)
{
    struct restoring r = { .v = v, .n = n, .rehearsal = rehearsal };
    r.pass = cf_pass_find(v->state, v->way, n);
    bool again = cf_json_bool(r.pass, false, "again", NULL); /* handing over makes it */
    if (!r.pass || (!again && (!cf_pass_is(r.pass, "done") || !json_object_get(r.pass, "rows"))))
        return cf_error_set(err, CF_ERR_BUG, "pass %d is not done and cannot be restored", n);
    r.row = cf_velero_object_in(r.pass, rehearsal ? "rehearsal" : "restore");
    if (rehearsal)
        cf_velero_rehearsal_namespace(v, r.ns);
    else
        snprintf(r.ns, sizeof r.ns, "%s", v->to_namespace);
    if (cf_pass_is(r.row, "")) {
        json_object_set_new(r.row, "startMs", json_integer(v->now_ms));
        json_object_set_new(r.row, "attempt", json_integer(1));
        cf_pass_go(r.row, "clear", v->now_ms);
        return true; /* the names that it may use are recorded before the first is */
    }
    bool on = true;
    while (on)
        if (!run_phase(&r, &on, out, err))
            return false;
    return true;
}

bool cf_velero_restored(const struct cf_volumes *v, int n, bool *out_so, struct cf_moving *out,
                        struct cf_error *err)
{
    const json_t *row = json_object_get(cf_pass_find(v->state, v->way, n), "restore");
    *out_so = !row || cf_pass_is(row, "done");
    if (*out_so)
        return true;
    if (!cf_volumes_restore(v, n, false, out, err))
        return false;
    *out_so = out->done;
    if (out->done)
        *out = (struct cf_moving){ 0 };
    return true;
}
