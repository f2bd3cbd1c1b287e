/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the GitOps owners of workloads (gitops.h). */
#include "orchestrator/preflight/gitops.h"

#include <stdio.h>
#include <string.h>

#include "federation/objects/gitops.h"
#include "federation/objects/kinds.h"

#define ARGO_API       "argoproj.io/v1alpha1"
#define ARGO_NAMESPACE "argocd"
#define SET            "ApplicationSet"

/* How far the reading of one owner came. */
struct found {
    json_t *object; /* owned */
    bool denied;
    char why[CF_ERROR_FIELD_MAX];
};

static void found_free(struct found *f)
{
    json_decref(f->object);
}

/* ---- reading one ---- */

/* Not there, not served and not to be read are answers; anything else is an error. */
static bool read_one(struct cf_kube *kube, const char *api_version, const char *kind,
                     const char *ns, const char *name, struct found *out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref(api_version, kind, ns, name);
    struct cf_error refused = CF_ERROR_INIT;
    bool is_there = false;
    if (cf_kube_find(kube, NULL, &ref, &is_there, &out->object, &refused))
        return true;
    if (refused.kind != CF_ERR_DENIED && refused.kind != CF_ERR_INVALID) {
        (void)cf_error_move(err, &refused);
        return cf_error_wrap(err, "%s %s/%s", kind, ns, name);
    }
    out->denied = true;
    (void)snprintf(out->why, sizeof out->why, "%.180s", refused.message);
    cf_error_clear(&refused);
    return true;
}

/* Without the right to look everywhere. */
static bool find_in_argo_namespace(struct cf_kube *kube, const struct cf_gitops_owner *o,
                                   const json_t *object, struct found *out, struct cf_error *err)
{
    if (!read_one(kube, ARGO_API, o->kind->kind, ARGO_NAMESPACE, o->name, out, err))
        return false;
    if (out->object && !cf_gitops_lists(out->object, object, o->doubtful)) {
        json_decref(out->object);
        out->object = NULL;
    }
    return true;
}

/* An Application whose namespace is not said: the one that lists the object. */
static bool find_application(struct cf_kube *kube, const struct cf_gitops_owner *o,
                             const json_t *object, struct found *out, struct cf_error *err)
{
    cf_autofree char *by_name = cf_xasprintf("metadata.name=%s", o->name);
    struct cf_kube_list what = { .api_version = ARGO_API,
                                 .kind = o->kind->kind,
                                 .field_selector = by_name };
    struct cf_error refused = CF_ERROR_INIT;
    cf_autojson json_t *all = NULL;
    size_t i;
    json_t *one;
    if (!cf_kube_list(kube, NULL, &what, &all, NULL, &refused)) {
        enum cf_err_kind kind = refused.kind;
        if (kind != CF_ERR_DENIED && kind != CF_ERR_NOT_FOUND) {
            (void)cf_error_move(err, &refused);
            return cf_error_wrap(err, "list %s", o->kind->kind);
        }
        cf_error_clear(&refused);
        return kind == CF_ERR_NOT_FOUND || find_in_argo_namespace(kube, o, object, out, err);
    }
    json_array_foreach(all, i, one)
    {
        if (!out->object && cf_gitops_lists(one, object, o->doubtful))
            out->object = json_incref(one);
    }
    return true;
}

static bool find_owner(struct cf_kube *kube, const struct cf_gitops_owner *o, const json_t *object,
                       struct found *out, struct cf_error *err)
{
    if (!o->ns[0] && strcmp(o->kind->versions[0], ARGO_API) == 0)
        return find_application(kube, o, object, out, err);
    for (int i = 0; o->kind->versions[i] && !out->object; i++)
        if (!read_one(kube, o->kind->versions[i], o->kind->kind, o->ns, o->name, out, err))
            return false;
    if (out->object)
        out->denied = false; /* one of its versions was not to be read, or not served */
    return true;
}

/* ---- who would undo a pause ---- */

static bool undone_by_set(struct cf_kube *kube, const json_t *owner, char *out, size_t size,
                          struct cf_error *err)
{
    size_t i;
    json_t *reference;
    json_array_foreach(cf_json_at(owner, "metadata", "ownerReferences", NULL), i, reference)
    {
        CF_CLEANUP(found_free) struct found set = { 0 };
        const char *name = cf_json_str(reference, "", "name", NULL);
        if (strcmp(cf_json_str(reference, "", "kind", NULL), SET) != 0)
            continue;
        if (!read_one(kube, ARGO_API, SET, cf_object_namespace(owner), name, &set, err))
            return false;
        if (set.denied ||
            (set.object && !cf_gitops_set_spares_policy(set.object, cf_object_name(owner))))
            (void)snprintf(out, size, SET " %s/%s", cf_object_namespace(owner), name);
    }
    return true;
}

static bool undone_by(struct cf_kube *kube, const json_t *owner, char *out, size_t size,
                      struct cf_error *err)
{
    struct cf_gitops_owner parents[CF_GITOPS_OWNERS_MAX];
    size_t n = cf_gitops_owners(owner, parents);
    if (!undone_by_set(kube, owner, out, size, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        CF_CLEANUP(found_free) struct found parent = { 0 };
        if (!find_owner(kube, &parents[i], owner, &parent, err))
            return false;
        if (parent.object && cf_gitops_parent_undoes(parent.object, owner))
            (void)snprintf(out, size, "%s %s/%s", parents[i].kind->kind,
                           cf_object_namespace(parent.object), parents[i].name);
    }
    return true;
}

/* ---- rows ---- */

static json_t *known(const json_t *rows, const char *kind, const char *ns, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(cf_json_str(row, "", "kind", NULL), kind) == 0 &&
            strcmp(cf_json_str(row, "", "namespace", NULL), ns) == 0 &&
            strcmp(cf_json_str(row, "", "name", NULL), name) == 0)
            return row;
    }
    return NULL;
}

static const char *state_of(const struct found *f)
{
    if (f->object)
        return cf_gitops_is_paused(f->object) ? "paused" : "on";
    return f->denied ? "denied" : "absent";
}

static bool add_owner(struct cf_kube *kube, const struct cf_gitops_owner *o, const json_t *object,
                      json_t *rows, struct cf_error *err)
{
    CF_CLEANUP(found_free) struct found f = { 0 };
    char undoes[CF_REF_TEXT_MAX] = "";
    if (!find_owner(kube, o, object, &f, err))
        return false;
    if (o->doubtful && !f.object)
        return true; /* a label of its Helm chart */
    const char *ns = f.object ? cf_object_namespace(f.object) : o->ns;
    json_t *row = known(rows, o->kind->kind, ns, o->name);
    if (row) {
        json_object_set_new(row, "more", json_integer(cf_json_int(row, 0, "more", NULL) + 1));
        return true;
    }
    if (f.object && !undone_by(kube, f.object, undoes, sizeof undoes, err))
        return false;
    cf_autofree char *of =
        cf_xasprintf("%s %s", cf_json_str(object, "", "kind", NULL), cf_object_name(object));
    json_array_append_new(
        rows,
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:O?}", "tool", o->kind->tool,
                  "apiVersion",
                  f.object ? cf_json_str(f.object, "", "apiVersion", NULL) : o->kind->versions[0],
                  "kind", o->kind->kind, "namespace", ns, "name", o->name, "of", of, "more", 0,
                  "state", state_of(&f), "why", f.why, "undoneBy", undoes, "object", f.object));
    return true;
}

static const char *api_of(const json_t *workload)
{
    const char *kind = cf_json_str(workload, "", "kind", NULL);
    return strcmp(kind, "CronJob") == 0 || strcmp(kind, "Job") == 0 ? "batch/v1" : "apps/v1";
}

bool cf_gitops_read(struct cf_kube *kube, const char *ns, const json_t *workloads,
                    json_t **out_owners, struct cf_error *err)
{
    cf_autojson json_t *rows = json_array();
    size_t i;
    json_t *workload;
    json_array_foreach(workloads, i, workload)
    {
        struct cf_gitops_owner owners[CF_GITOPS_OWNERS_MAX];
        struct cf_object_ref ref = cf_ref(
            cf_json_str(workload, api_of(workload), "apiVersion", NULL),
            cf_json_str(workload, "", "kind", NULL), ns, cf_json_str(workload, "", "name", NULL));
        cf_autojson json_t *object = NULL;
        bool found = false;
        if (!cf_kube_find(kube, NULL, &ref, &found, &object, err))
            return cf_error_wrap(err, "%s %s", ref.kind, ref.name);
        size_t n = found ? cf_gitops_owners(object, owners) : 0;
        for (size_t k = 0; k < n; k++)
            if (!add_owner(kube, &owners[k], object, rows, err))
                return false;
    }
    *out_owners = cf_steal(&rows);
    return true;
}

/* ---- words ---- */

void cf_gitops_say(const json_t *owner, struct cf_buf *out)
{
    const char *ns = cf_json_str(owner, "", "namespace", NULL);
    cf_buf_printf(out, "%s %s%s%s", cf_json_str(owner, "?", "kind", NULL), ns, *ns ? "/" : "",
                  cf_json_str(owner, "?", "name", NULL));
}

void cf_gitops_say_kept(const json_t *owner, struct cf_buf *out)
{
    long long more = (long long)cf_json_int(owner, 0, "more", NULL);
    cf_buf_puts(out, cf_json_str(owner, "?", "of", NULL));
    if (more > 0)
        cf_buf_printf(out, " and %lld more", more);
}

static void hint_undone(const json_t *owner, struct cf_buf *hint)
{
    const char *by = cf_json_str(owner, "", "undoneBy", NULL);
    bool application = strcmp(cf_json_str(owner, "", "kind", NULL), "Application") == 0;
    if (strncmp(by, SET, strlen(SET)) == 0)
        cf_buf_printf(hint,
                      "give %s ignoreApplicationDifferences: [{jsonPointers: "
                      "[/spec/syncPolicy]}]",
                      by);
    else if (application && strncmp(by, "Application ", strlen("Application ")) == 0)
        cf_buf_printf(hint,
                      "give %s ignoreDifferences: [{group: argoproj.io, kind: Application, "
                      "jsonPointers: [/spec/syncPolicy]}]",
                      by);
    else if (application)
        cf_buf_printf(hint, "suspend %s while the run lasts", by);
    else
        cf_buf_printf(hint, "take `suspend` out of what %s applies, or pause that", by);
}

bool cf_gitops_blocks(const json_t *owner, const char *cluster, struct cf_buf *message,
                      struct cf_buf *hint)
{
    const char *state = cf_json_str(owner, "", "state", NULL);
    const char *by = cf_json_str(owner, "", "undoneBy", NULL);
    bool on = strcmp(state, "on") == 0;
    if (strcmp(state, "paused") == 0 || (on && !*by))
        return false;
    cf_gitops_say(owner, message);
    cf_buf_puts(message, " keeps ");
    cf_gitops_say_kept(owner, message);
    if (strcmp(state, "absent") == 0) {
        cf_buf_printf(message, ", and is not in %s: what the freeze stops would be started again",
                      cluster);
        cf_buf_printf(hint, "if %s has left it for good, take its mark off the workload",
                      cf_json_str(owner, "?", "tool", NULL));
    } else if (on) {
        cf_buf_printf(message, "; %s would undo its pause", by);
        hint_undone(owner, hint);
    } else {
        cf_buf_printf(message, ", and may not be read: %s", cf_json_str(owner, "", "why", NULL));
        cf_buf_puts(hint, "apply the printed roles with an administrator's kubectl");
    }
    cf_buf_printf(hint,
                  "; or pause it yourself (%s) while the run lasts, and write "
                  "volumes.finalSync.gitops: byHand",
                  cf_gitops_kind(cf_json_str(owner, "", "kind", NULL))->field);
    return true;
}
