/* SPDX-License-Identifier: Apache-2.0 */
/* A pass at the side where the data is, as one table.
 *
 *   phase    does                                      goes on when
 *   stage    the location is there; a stage pod per    each stands, and runs if it must
 *            claim
 *   create   the Backup, or the one that was made      it stands with every field that was asked for
 *            just before a crash
 *   run      looks                                     it has ended, each claim with evidence
 *   yield    cancels, and takes the stage pods away:   nothing of ours reads any more
 *            a pod of the workload needs its volume
 *   tidy     takes the stage pods away                 they are gone; for a frozen pass: they go, and
 *                                                      what is frozen does not wait for that
 *   done, failed
 *
 * What did not become good is tried again under the next attempt's name: a bucket takes a name once. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "velero/evidence.h"
#include "velero/phases.h"

/* Longer than a plan with its way back should take; what is forgotten goes by itself then. */
#define BACKUP_TTL "168h0m0s"

struct pass {
    struct cf_stage stage;
    const struct cf_volumes *v;
    json_t *row;
};

/* *out_on: the next phase is entered; otherwise *out says why not. */
typedef bool phase_fn(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err);

/* --- stage --- */

static bool phase_stage(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    *out_on = false;
    if (cf_pass_rests(p->row, p->v->now_ms, out))
        return true;
    if (!cf_location_serves(p->v, true, out_on, out, err) || !*out_on)
        return err->kind == CF_ERR_NONE;
    if (!cf_stage_up(&p->stage, out_on, out, err))
        return false;
    if (*out_on)
        cf_pass_go(p->row, "create", p->v->now_ms);
    return true;
}

/* --- create --- */

static bool any_of(const struct cf_volumes *v, bool files)
{
    size_t i;
    json_t *claim;
    json_array_foreach(v->claims, i, claim)
    {
        if (cf_velero_is_files(claim) == files)
            return true;
    }
    return false;
}

static void append_ordered(const struct cf_volumes *v, bool files, struct cf_buf *text)
{
    char name[CF_VELERO_NAME_MAX];
    size_t i;
    json_t *claim;
    json_array_foreach(v->claims, i, claim)
    {
        if (cf_velero_is_files(claim) == files)
            cf_buf_printf(text, "%s%s/%s", text->len ? "," : "", v->from_namespace,
                          cf_velero_stage_name(v, cf_json_str(claim, "", "name", NULL), name));
    }
}

/* Our pods in a list: Velero takes listed pods as one block, and makes the PodVolumeBackups of a block
 * all at once, those of other pods one pod after the other. It also takes ours first, before a pod of
 * the workload that is annotated for its owner's backups. Snapshots come before files: their data
 * moves by itself from then on, while a block waits for its PodVolumeBackups. */
static json_t *ordered(const struct cf_volumes *v)
{
    struct cf_buf text = CF_BUF_INIT(CF_VELERO_CLAIMS_MAX * 2 * CF_VELERO_NAME_MAX);
    append_ordered(v, false, &text);
    append_ordered(v, true, &text);
    json_t *list = json_pack("{s:s}", "pods", cf_buf_str(&text));
    cf_buf_free(&text);
    return list;
}

/* Selects our own pods of this way; the claims, and their volumes, come with them. */
static json_t *backup_of(const struct cf_volumes *v, int n, int attempt)
{
    char name[CF_VELERO_NAME_MAX];
    json_t *b = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:o}, s:{s:[s], s:[s, s], s:[s], s:{s:{s:s, s:s}}, s:s, s:s, s:b}}",
        "apiVersion", CF_VELERO_V1, "kind", "Backup", "metadata", "name",
        cf_velero_backup_name(v, n, attempt, name), "namespace", v->velero_namespace, "labels",
        cf_velero_labels(v, n, attempt), "spec", "includedNamespaces", v->from_namespace,
        "includedNamespaceScopedResources", "pods", "persistentvolumeclaims",
        "includedClusterScopedResources", "persistentvolumes", "labelSelector", "matchLabels",
        CF_VELERO_LABEL_RUN, v->run_id, CF_VELERO_LABEL_WAY, v->way, "storageLocation",
        v->from_location, "ttl", BACKUP_TTL, "defaultVolumesToFsBackup", 0);
    cf_assert(b);
    if (any_of(v, true))
        cf_json_put_take(b, ordered(v), "spec", "orderedResources", NULL);
    if (any_of(v, false))
        cf_json_put_take(b, json_true(), "spec", "snapshotMoveData", NULL);
    return b;
}

static bool phase_create(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    cf_autojson json_t *backup = backup_of(p->v, p->stage.n, cf_pass_attempt(p->row));
    (void)out;
    if (!cf_velero_make(p->v->from, backup, NULL, err))
        return false;
    json_object_set_new(p->row, "backup",
                        json_string(cf_json_str(backup, "", "metadata", "name", NULL)));
    cf_pass_go(p->row, "run", p->v->now_ms);
    *out_on = true;
    return true;
}

/* --- run --- */

static bool look(const struct pass *p, json_t **out_backup, json_t **out_operations,
                 struct cf_error *err)
{
    const char *name = cf_json_str(p->row, "", "backup", NULL);
    struct cf_object_ref ref = cf_velero_ref(p->v, "Backup", name);
    cf_autojson json_t *backup = NULL;
    bool found = false;
    if (!cf_kube_find(p->v->from, NULL, &ref, &found, &backup, err))
        return cf_error_wrap(err, "read Backup %s on %s", name, cf_kube_name(p->v->from));
    if (!cf_velero_operations(p->v->from, p->v->velero_namespace, CF_VELERO_BACKUP_NAME, name,
                              out_operations, err))
        return false;
    *out_backup = cf_steal(&backup);
    return true;
}

/* The workload comes first: *out_so, and the pass gives way. */
static bool gives_way(struct pass *p, bool *out_so, struct cf_error *err)
{
    char why[CF_MOVING_WHY_MAX / 2];
    *out_so = false;
    if (p->stage.source == CF_PASS_LIVE &&
        !cf_stage_is_in_the_way(&p->stage, out_so, why, sizeof why, err))
        return false;
    if (*out_so) {
        json_object_set_new(p->row, "why", json_string(why));
        cf_pass_go(p->row, "yield", p->v->now_ms);
    }
    return true;
}

/* Velero leaves incrementalBytes out where nothing had changed, as it does where it does not know the
 * number at all (before 1.18): once it has been seen, no number is 0. */
static void read_increments(const struct pass *p, json_t *rows)
{
    json_t *way = cf_way_open(p->v);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (json_is_integer(json_object_get(row, "incrementalBytes")))
            json_object_set_new(way, "countsIncrements", json_true());
    }
    if (!cf_json_bool(way, false, "countsIncrements", NULL))
        return;
    json_array_foreach(rows, i, row)
    {
        if (!json_is_integer(json_object_get(row, "incrementalBytes")))
            json_object_set_new(row, "incrementalBytes", json_integer(0));
    }
}

static bool phase_run(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    cf_autojson json_t *backup = NULL;
    cf_autojson json_t *operations = NULL;
    char why[CF_VERDICT_WHY_MAX];
    if (!look(p, &backup, &operations, err))
        return false;
    cf_autojson json_t *rows = cf_evidence_backup(p->v, operations);
    cf_evidence_progress(p->v, rows, out);
    enum cf_verdict verdict = cf_velero_verdict(backup, rows, why);
    if (verdict != CF_VERDICT_RUNS) /* until then it would be written anew with each look */
        json_object_set(p->row, "rows", rows);
    switch (verdict) {
    case CF_VERDICT_RUNS:
        if (!gives_way(p, out_on, err))
            return false;
        return *out_on || cf_velero_goes_on(p->v, p->v->from, p->row, backup, operations, out, err);
    case CF_VERDICT_GOOD:
        read_increments(p, rows);
        cf_pass_in_line(p->row, false, p->v->now_ms);
        json_object_set_new(p->row, "backupMs",
                            json_integer(cf_pass_took_ms(p->row, p->v->now_ms)));
        cf_pass_go(p->row, "tidy", p->v->now_ms);
        *out_on = true;
        return true;
    case CF_VERDICT_AGAIN:
        *out_on = false;
        return cf_pass_again(p->row, "stage", p->v->now_ms, why, out);
    case CF_VERDICT_NEVER:
        cf_pass_give_up(p->row);
        *out_on = false;
        return cf_pass_again(p->row, "stage", p->v->now_ms, why, out);
    }
    return false;
}

/* --- the ends --- */

static bool phase_yield(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    cf_autojson json_t *backup = NULL;
    cf_autojson json_t *operations = NULL;
    bool gone = false;
    int moving = 0;
    *out_on = false;
    if (!look(p, &backup, &operations, err) ||
        !cf_velero_cancel_all(p->v->from, operations, &moving, err) ||
        !cf_stage_down(p->v, p->v->from, p->v->from_namespace, &gone, err))
        return false;
    const char *why = cf_json_str(p->row, "", "why", NULL);
    if (!gone || moving > 0 || (backup && !cf_phase_is_end(cf_phase_of(backup))))
        return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%s: this pass gives way", why);
    cf_autofree char *said = cf_xstrdup(why);
    return cf_pass_again(p->row, "stage", p->v->now_ms, said, out);
}

static bool phase_tidy(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    if (!cf_stage_down(p->v, p->v->from, p->v->from_namespace, out_on, err))
        return false;
    /* A live pass leaves no volume held. In a freeze nobody wants it: neither the hand over nor the
     * restore; and who thaws cancels, which waits. */
    if (!*out_on && p->stage.source == CF_PASS_LIVE)
        return cf_moving_waits(out, CF_VELERO_LOOK_MS, "stage pods are being taken away");
    *out_on = true;
    cf_pass_go(p->row, "done", p->v->now_ms);
    return true;
}

static bool phase_done(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    (void)err;
    *out_on = false;
    cf_evidence_progress(p->v, json_object_get(p->row, "rows"), out);
    return cf_moving_done(out);
}

static bool phase_failed(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    bool gone = false;
    *out_on = false;
    return cf_stage_down(p->v, p->v->from, p->v->from_namespace, &gone, err) &&
           cf_moving_failed(out, "%s", cf_json_str(p->row, "", "why", NULL));
}

static const struct {
    const char *name;
    phase_fn *run;
} phases[] = {
    { "stage", phase_stage },   { "create", phase_create }, { "run", phase_run },
    { "yield", phase_yield },   { "tidy", phase_tidy },     { "done", phase_done },
    { "failed", phase_failed },
};

static bool run_phase(struct pass *p, bool *out_on, struct cf_moving *out, struct cf_error *err)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(phases); i++)
        if (cf_pass_is(p->row, phases[i].name))
            return phases[i].run(p, out_on, out, err);
    return cf_error_set(err, CF_ERR_BUG, "pass %d is in phase %s", p->stage.n,
                        cf_pass_phase(p->row));
}

bool cf_volumes_backup(const struct cf_volumes *v, int n, enum cf_pass_source source,
                       struct cf_moving *out, struct cf_error *err)
{
    size_t claims = json_array_size(v->claims);
    if (claims == 0 || claims > CF_VELERO_CLAIMS_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "%zu claims in one run: from 1 to %d", claims,
                            CF_VELERO_CLAIMS_MAX);
    struct pass p = { .v = v, .row = cf_pass_open(v, n) };
    p.stage = (struct cf_stage){ .v = v, .n = n, .source = source, .row = p.row };
    if (cf_pass_is(p.row, "")) {
        json_object_set_new(p.row, "startMs", json_integer(v->now_ms));
        json_object_set_new(p.row, "live", json_boolean(source == CF_PASS_LIVE));
        cf_pass_go(p.row, "stage", v->now_ms);
        return true; /* the names that it may use are recorded before the first is */
    }
    bool on = true;
    while (on)
        if (!run_phase(&p, &on, out, err))
            return false;
    return true;
}
