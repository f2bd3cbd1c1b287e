/* SPDX-License-Identifier: Apache-2.0 */
/* GitOps owners in the freeze (owners.h). */
#include "orchestrator/engine/steps/owners.h"

#include <string.h>

#include "federation/objects/gitops.h"
#include "federation/objects/kinds.h"
#include "orchestrator/preflight/gitops.h"

enum {
    LOOK_MS = 500,
    BLOCKED_LOOK_MS = 5000,
    ATTEMPTS = 4, /* each a read and a patch of just that state; others may write in between */
    NAMES_SHOWN = 3,
    WORDS_MAX = 700,
};

static struct cf_object_ref ref_of(const json_t *row)
{
    return cf_ref(cf_json_str(row, "", "apiVersion", NULL), cf_json_str(row, "", "kind", NULL),
                  cf_json_str(row, "", "namespace", NULL), cf_json_str(row, "", "name", NULL));
}

const json_t *cf_owners_of(const struct cf_live *run)
{
    const struct cf_step *s = cf_run_step(run, "quiesce");
    return s ? cf_json_at(s->intent, "paused", NULL) : NULL;
}

/* ---- what is saved ---- */

/* What must not be while the plan wants the freeze. *out HOLD or unchanged. */
static void judge(const struct cf_freeze *f, const json_t *owner, struct cf_outcome *out)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf message = CF_BUF_INIT(WORDS_MAX);
    CF_CLEANUP(cf_buf_free) struct cf_buf hint = CF_BUF_INIT(WORDS_MAX);
    bool on = strcmp(cf_json_str(owner, "", "state", NULL), "on") == 0;
    if (!f->pass->run->plan->volumes.gitops_by_hand) {
        if (cf_gitops_blocks(owner, f->cluster, &message, &hint))
            cf_out_hold(out, CF_HOLD_DATA, BLOCKED_LOOK_MS, "nothing is frozen: %s; %s",
                        cf_buf_str(&message), cf_buf_str(&hint));
        return;
    }
    if (!on)
        return; /* paused by hand, or where we cannot see it */
    cf_gitops_say(owner, &message);
    cf_out_hold(out, CF_HOLD_DATA, BLOCKED_LOOK_MS,
                "nothing is frozen: %s of %s is not paused, which the plan leaves to a person",
                cf_buf_str(&message), f->cluster);
}

/* Not in its work: what it is putting back now would come after the stop. */
static void wait_for_work(const struct cf_freeze *f, const json_t *owner, const json_t *object,
                          struct cf_outcome *out)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf name = CF_BUF_INIT(WORDS_MAX);
    if (!cf_gitops_is_at_work(object))
        return;
    cf_gitops_say(owner, &name);
    cf_out_wait(out, LOOK_MS, "%s of %s is at work: the freeze waits for its end",
                cf_buf_str(&name), f->cluster);
}

static void add_row(const json_t *owner, json_t *rows)
{
    const json_t *object = json_object_get(owner, "object");
    if (strcmp(cf_json_str(owner, "", "state", NULL), "on") != 0)
        return;
    json_array_append_new(rows, json_pack("{s:O,s:O,s:O,s:O,s:s,s:o}", "apiVersion",
                                          json_object_get(owner, "apiVersion"), "kind",
                                          json_object_get(owner, "kind"), "namespace",
                                          json_object_get(owner, "namespace"), "name",
                                          json_object_get(owner, "name"), "uid",
                                          cf_object_uid(object), "had", cf_gitops_saved(object)));
}

bool cf_owners_rows(const struct cf_freeze *f, const json_t *writers, const json_t *more,
                    json_t **out_rows, struct cf_outcome *out, struct cf_error *err)
{
    cf_autojson json_t *all = writers ? json_copy(cf_json_unconst(writers)) : json_array();
    cf_autojson json_t *owners = NULL;
    cf_autojson json_t *rows = json_array();
    size_t i;
    json_t *owner;
    json_array_extend(all, cf_json_unconst(more));
    if (!cf_gitops_read(f->kube, f->ns, all, &owners, err))
        return cf_error_wrap(err, "who keeps the writers of %s", f->cluster);
    *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    json_array_foreach(owners, i, owner)
    {
        judge(f, owner, out);
        if (out->kind == CF_OUT_DONE && json_is_object(json_object_get(owner, "object")))
            wait_for_work(f, owner, json_object_get(owner, "object"), out);
        if (out->kind != CF_OUT_DONE)
            return true;
        add_row(owner, rows);
    }
    *out_rows = cf_steal(&rows);
    return cf_out_done(out);
}

/* ---- changing one ---- */

enum verdict { IS_DONE, IS_GONE, IS_THEIRS, IS_TO_BE_WRITTEN };

static enum verdict judge_one(const json_t *row, const json_t *object, bool back)
{
    if (!object || strcmp(cf_object_uid(object), cf_json_str(row, "", "uid", NULL)) != 0)
        return IS_GONE;
    cf_autojson json_t *is = cf_gitops_saved(object);
    bool as_it_was = cf_json_equal(is, json_object_get(row, "had"));
    bool paused = cf_gitops_is_paused(object);
    if (back ? as_it_was : paused)
        return IS_DONE;
    /* Exactly our pause, or exactly what was saved: anything else is somebody's. */
    if (back ? paused : as_it_was)
        return IS_TO_BE_WRITTEN;
    return IS_THEIRS;
}

/* *out_object: as it was last read (new reference), NULL: gone. */
static bool change(const struct cf_freeze *f, const json_t *row, bool back, enum verdict *out,
                   json_t **out_object, struct cf_error *err)
{
    struct cf_object_ref ref = ref_of(row);
    for (int i = 0; i < ATTEMPTS; i++) {
        struct cf_error refusal = CF_ERROR_INIT;
        cf_autojson json_t *object = NULL;
        bool found = false;
        if (!cf_kube_find(f->kube, NULL, &ref, &found, &object, err))
            return cf_error_wrap(err, "%s %s/%s of %s", ref.kind, ref.ns, ref.name, f->cluster);
        *out = judge_one(row, object, back);
        if (*out != IS_TO_BE_WRITTEN) {
            *out_object = cf_steal(&object);
            return true;
        }
        cf_autojson json_t *patch = cf_gitops_patch(object, back, json_object_get(row, "had"));
        if (!cf_kube_json_patch(f->kube, NULL, &ref, patch, NULL, NULL, &refusal) &&
            refusal.kind != CF_ERR_NOT_FOUND && refusal.upstream != 422) {
            (void)cf_error_move(err, &refusal);
            return cf_error_wrap(err, "%s %s %s/%s of %s", back ? "let go" : "pause", ref.kind,
                                 ref.ns, ref.name, f->cluster);
        }
        cf_error_clear(&refusal);
    }
    return cf_error_set(err, CF_ERR_TRANSIENT, "%s %s/%s of %s is written by others all the time",
                        ref.kind, ref.ns, ref.name, f->cluster);
}

/* ---- all ---- */

bool cf_owners_pause(const struct cf_freeze *f, const json_t *rows, struct cf_outcome *out,
                     struct cf_error *err)
{
    size_t i;
    json_t *row;
    *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    json_array_foreach(rows, i, row)
    {
        cf_autojson json_t *object = NULL;
        struct cf_object_ref ref = ref_of(row);
        enum verdict verdict;
        if (!change(f, row, false, &verdict, &object, err))
            return false;
        if (verdict == IS_THEIRS)
            return cf_out_hold(out, CF_HOLD_DATA, BLOCKED_LOOK_MS,
                               "%s %s/%s of %s was changed after it was looked at: pause it, or "
                               "roll back and begin again",
                               ref.kind, ref.ns, ref.name, f->cluster);
        if (out->kind == CF_OUT_DONE && verdict == IS_DONE)
            wait_for_work(f, row, object, out);
    }
    return true;
}

bool cf_owners_give_back(const struct cf_freeze *f, const json_t *rows, json_t *left,
                         struct cf_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        cf_autojson json_t *object = NULL;
        struct cf_object_ref ref = ref_of(row);
        struct cf_error why = CF_ERROR_INIT;
        enum verdict verdict;
        if (!change(f, row, true, &verdict, &object, &why)) {
            cf_error_keep_first(err, &why);
            continue;
        }
        const struct cf_gitops_kind *kind = cf_gitops_kind(ref.kind);
        cf_autofree char *line = NULL;
        if (verdict == IS_GONE)
            line = cf_xasprintf("%s %s/%s of %s, which the freeze paused, is gone", ref.kind,
                                ref.ns, ref.name, f->cluster);
        else if (verdict == IS_THEIRS)
            line =
                cf_xasprintf("%s of %s %s/%s of %s is neither our pause nor what it was before: "
                             "somebody has changed it since, and it stays so",
                             kind ? kind->field : "spec", ref.kind, ref.ns, ref.name, f->cluster);
        if (line)
            json_array_append_new(left, json_string(line));
    }
    return err->kind == CF_ERR_NONE;
}

/* ---- words ---- */

void cf_owners_say_what_stays(const struct cf_pass *p, struct cf_buf *out)
{
    const json_t *rows = cf_owners_of(p->run);
    size_t i, n = json_array_size(rows);
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (i == NAMES_SHOWN) {
            cf_buf_printf(out, " and %zu more", n - NAMES_SHOWN);
            break;
        }
        cf_buf_puts(out, i ? ", " : "; ");
        cf_gitops_say(row, out);
    }
    if (n > 0)
        cf_buf_printf(out,
                      " of %s stay%s paused: take the moved workloads out of its repository "
                      "before you let it go",
                      p->run->plan->source_cluster, n == 1 ? "s" : "");
}
