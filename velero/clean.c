/* SPDX-License-Identifier: Apache-2.0 */
/* What the room has made and nobody needs any more, by the state's own record: names follow from the
 * numbers of passes and attempts, and an object is touched only when it carries this run's label.
 *
 * A backup's data goes by a DeleteBackupRequest in the cluster that may write into the bucket, and by
 * that alone: a Backup that is merely deleted comes back with the next sync. The last pass stays
 * until the next has become good, for kopia copies against it. What will not go is said, and tried
 * again by the next call; it stops nobody else's going. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "velero/phases.h"
#include "velero/room.h"

enum {
    REQUEST_AGAIN_MS = 60 * 1000, /* after a request that was refused */
    CLEAN_MS = 15 * 60 * 1000,    /* then a person is told what is left */
};

struct cleaning {
    const struct cf_volumes *v;
    int left;
    char why[CF_MOVING_WHY_MAX / 2]; /* of the first that is left */
};

static void leave(struct cleaning *c, const char *fmt, ...) CF_PRINTF(2, 3);
static void leave(struct cleaning *c, const char *fmt, ...)
{
    va_list ap;
    if (c->left++ > 0)
        return;
    va_start(ap, fmt);
    vsnprintf(c->why, sizeof c->why, fmt, ap);
    va_end(ap);
}

/* One object by name; an error is a reason why it is left. */
static bool away(struct cleaning *c, struct cf_kube *k, const struct cf_object_ref *ref)
{
    struct cf_error err = CF_ERROR_INIT;
    char text[CF_REF_TEXT_MAX];
    bool gone = false;
    if (!cf_velero_drop(c->v, k, ref, &gone, &err))
        leave(c, "%s", err.message);
    else if (!gone)
        leave(c, "%s on %s is being deleted", cf_ref_text(ref, text), cf_kube_name(k));
    return gone;
}

/* --- backups --- */

/* A request is carried out and disappears with its backup, or stays with the reason. */
static void request(struct cleaning *c, const char *name, json_t *row)
{
    const struct cf_volumes *v = c->v;
    struct cf_object_ref ref = cf_velero_ref(v, "DeleteBackupRequest", name);
    cf_autojson json_t *found = NULL;
    struct cf_error err = CF_ERROR_INIT;
    bool is_there = false, gone = false;
    if (!cf_kube_find(v->from, NULL, &ref, &is_there, &found, &err)) {
        leave(c, "%s", err.message);
        return;
    }
    if (is_there && strcmp(cf_json_str(found, "", "status", "phase", NULL), "Processed") == 0) {
        const json_t *errors = cf_json_at(found, "status", "errors", NULL);
        leave(c, "Velero on %s would not delete backup %s: %.200s", cf_kube_name(v->from), name,
              json_array_size(errors) ? json_string_value(json_array_get(errors, 0)) : "no reason");
        if (v->now_ms - cf_json_int(row, 0, "requestMs", NULL) > REQUEST_AGAIN_MS &&
            !cf_velero_drop(v, v->from, &ref, &gone, &err))
            leave(c, "%s", err.message);
        return;
    }
    leave(c, "Velero on %s is to delete backup %s", cf_kube_name(v->from), name);
    if (is_there)
        return;
    cf_autojson json_t *body = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:{s:s}}", "apiVersion", CF_VELERO_V1, "kind",
        "DeleteBackupRequest", "metadata", "name", name, "namespace", v->velero_namespace, "labels",
        CF_VELERO_LABEL_RUN, v->run_id, CF_VELERO_BACKUP_NAME, name, "spec", "backupName", name);
    json_object_set_new(row, "requestMs", json_integer(v->now_ms));
    if (!cf_velero_make(v->from, body, NULL, &err))
        leave(c, "%s", err.message);
}

static bool backup_away(struct cleaning *c, const char *name, json_t *row)
{
    const struct cf_volumes *v = c->v;
    struct cf_object_ref ref = cf_velero_ref(v, "Backup", name);
    struct cf_object_ref requested = cf_velero_ref(v, "DeleteBackupRequest", name);
    cf_autojson json_t *backup = NULL;
    struct cf_error err = CF_ERROR_INIT;
    bool found = false;
    if (!cf_kube_find(v->from, NULL, &ref, &found, &backup, &err)) {
        leave(c, "%s", err.message);
        return false;
    }
    if (found && cf_velero_is_ours(v, backup)) {
        /* Refused ones have nothing in the bucket, and a request for them is refused as well. */
        if (cf_phase_of(backup)->class == CF_PHASE_REFUSED)
            return away(c, v->from, &ref);
        request(c, name, row);
        return false;
    }
    bool here = away(c, v->from, &requested);
    return away(c, v->to, &ref) && here;
}

/* --- a pass --- */

static bool is_over(const json_t *row)
{
    return !row || cf_pass_is(row, "done") || cf_pass_is(row, "failed") || cf_pass_is(row, "");
}

static bool restores_away(struct cleaning *c, int n, const json_t *pass, bool rehearsal)
{
    const json_t *row = json_object_get(pass, rehearsal ? "rehearsal" : "restore");
    char name[CF_VELERO_NAME_MAX];
    bool all = true;
    int attempts = row ? cf_pass_attempt(row) : 0;
    /* A pass that was made again after a restore of it: its names have both numbers. */
    for (int k = 0; k < attempts * cf_pass_attempt(pass); k++) {
        cf_velero_restore_name(c->v, n, 1 + k / attempts, 1 + k % attempts, rehearsal, name);
        struct cf_object_ref restore = cf_velero_ref(c->v, "Restore", name);
        struct cf_object_ref map = cf_ref("v1", "ConfigMap", c->v->velero_namespace, name);
        bool restore_gone = away(c, c->v->to, &restore);
        all = away(c, c->v->to, &map) && restore_gone && all;
    }
    return all;
}

/* `whole`: the pass is not needed any more; otherwise only what its attempts have left over. */
static void pass_away(struct cleaning *c, int n, json_t *row, bool whole)
{
    int last = cf_pass_attempt(row), first = (int)cf_json_int(row, 1, "cleanFrom", NULL);
    char name[CF_VELERO_NAME_MAX];
    bool all = true;
    if (whole)
        all = restores_away(c, n, row, false) & restores_away(c, n, row, true);
    for (int i = first; i < last || (whole && i == last); i++) {
        if (!backup_away(c, cf_velero_backup_name(c->v, n, i, name), row)) {
            all = false;
            break;
        }
        json_object_set_new(row, "cleanFrom", json_integer(i + 1));
    }
    if (whole && all)
        json_object_set_new(row, "cleaned", json_true());
}

/* Whether it is one of the last `keep` that became good. */
static bool is_kept(const json_t *passes, int n, int keep)
{
    const char *number;
    json_t *row;
    int newer = 0;
    json_object_foreach(cf_json_unconst(passes), number, row)
    {
        newer += strtol(number, NULL, 10) > n && cf_pass_is(row, "done");
    }
    return newer < keep;
}

/* --- what is not of one pass --- */

static void pods_away(struct cleaning *c, struct cf_kube *k, const char *ns)
{
    struct cf_error err = CF_ERROR_INIT;
    bool gone = false;
    if (!cf_stage_down(c->v, k, ns, &gone, &err))
        leave(c, "%s", err.message);
    else if (!gone)
        leave(c, "stage pods in namespace %s on %s are being taken away", ns, cf_kube_name(k));
}

/* With nothing to keep, whatever was under way has been canceled. */
static void rest_away(struct cleaning *c, const json_t *passes, int keep)
{
    char scratch[CF_VELERO_NAME_MAX];
    const char *number;
    json_t *row;
    json_object_foreach(cf_json_unconst(passes), number, row)
    {
        if (keep > 0 && (!is_over(row) || !is_over(json_object_get(row, "restore")) ||
                         !is_over(json_object_get(row, "rehearsal"))))
            return;
    }
    pods_away(c, c->v->from, c->v->from_namespace);
    pods_away(c, c->v->to, c->v->to_namespace);
    struct cf_object_ref ns =
        cf_ref("v1", "Namespace", NULL, cf_velero_rehearsal_namespace(c->v, scratch));
    away(c, c->v->to, &ns);
}

bool cf_volumes_clean(const struct cf_volumes *v, int keep, struct cf_moving *out,
                      struct cf_error *err)
{
    struct cleaning c = { .v = v };
    json_t *way = cf_way_open(v), *passes = cf_velero_object_in(way, "passes");
    json_t *note = cf_velero_object_in(way, "clean");
    const char *number;
    json_t *row;
    (void)err;
    json_object_foreach(passes, number, row)
    {
        int n = (int)strtol(number, NULL, 10);
        bool kept = is_kept(passes, n, keep) || (keep > 0 && !is_over(row));
        if (!cf_json_bool(row, false, "cleaned", NULL))
            pass_away(&c, n, row, !kept);
    }
    rest_away(&c, passes, keep);
    if (c.left == 0) {
        json_object_del(way, "clean");
        return cf_moving_done(out);
    }
    if (!cf_json_at(note, "since", NULL))
        json_object_set_new(note, "since", json_integer(v->now_ms));
    if (v->now_ms - cf_json_int(note, v->now_ms, "since", NULL) > CLEAN_MS)
        return cf_moving_stuck(out, "%s (%d objects of volumes are left)", c.why, c.left);
    return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%s", c.why);
}
