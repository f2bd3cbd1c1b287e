/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol's first and last writes: find, adopt; restore, release. How an Ingress ends after
 * commit is in ingress_end.c. */
#include <stdio.h>
#include <string.h>

#include "federation/kube/discovery.h"
#include "lb/change.h"
#include "lb/ingress.h"
#include "lb/ingress_end.h"
#include "lb/render.h"

/* ---- find ---- */

/* The best version of the type's group that the cluster serves. */
static bool served_version(struct cf_kube *kube, const struct cf_kube_how *how,
                           const struct cf_kind_ops *kind, char out[CF_API_VERSION_MAX],
                           struct cf_error *err)
{
    struct cf_kube_resource found;
    for (int i = 0; kind->versions[i]; i++) {
        cf_error_clear(err);
        snprintf(out, CF_API_VERSION_MAX, "%s/%s", kind->group, kind->versions[i]);
        if (cf_kube_resource_of(kube, how, out, kind->kind, &found, err))
            return true;
        if (err->kind != CF_ERR_NOT_FOUND)
            return false;
    }
    return false;
}

struct read_objects {
    json_t *object, *delegate, *canary, *peers;
};

static void read_objects_free(struct read_objects *r)
{
    json_decref(r->object);
    json_decref(r->delegate);
    json_decref(r->canary);
    json_decref(r->peers);
}

/* The objects beside the router itself; *out_problem tells of what we may not read. */
static bool read_beside(struct cf_kube *kube, const struct cf_kube_how *how,
                        const struct cf_router_target *t, const char *api_version,
                        struct read_objects *r, bool *out_peers_denied, struct cf_error *err)
{
    const char *kind = cf_router_kind_of(t->type)->kind;
    char ns[CF_DEST_WORD_MAX], name[CF_DEST_NAME_MAX];
    bool found;
    if (cf_router_delegate_of(t, r->object, ns, name)) {
        struct cf_object_ref ref = cf_ref(api_version, kind, ns, name);
        if (!cf_kube_find(kube, how, &ref, &found, &r->delegate, err))
            return cf_error_wrap(err, "read delegate %s/%s", ns, name);
    }
    if (t->type == CF_ROUTER_INGRESS) {
        struct cf_object_ref ref =
            cf_ref(api_version, kind, t->ns, cf_ingress_canary_name(t->object, name));
        if (!cf_kube_find(kube, how, &ref, &found, &r->canary, err))
            return cf_error_wrap(err, "read Ingress %s/%s", t->ns, name);
    }
    if (t->type == CF_ROUTER_HTTP_ROUTE)
        return true;
    struct cf_kube_list list = { .api_version = api_version, .kind = kind, .ns = t->ns };
    if (cf_kube_list(kube, how, &list, &r->peers, NULL, err))
        return true;
    if (err->kind != CF_ERR_DENIED)
        return cf_error_wrap(err, "list %ss in %s", kind, t->ns);
    cf_error_clear(err);
    *out_peers_denied = true;
    return true;
}

bool cf_router_find(struct cf_kube *kube, const struct cf_kube_how *how,
                    const struct cf_router_target *t, struct cf_router_view *out,
                    struct cf_error *err)
{
    const struct cf_kind_ops *kind = cf_router_kind_of(t->type);
    CF_CLEANUP(read_objects_free) struct read_objects r = { 0 };
    char api_version[CF_API_VERSION_MAX];
    bool peers_denied = false;
    if (!served_version(kube, how, kind, api_version, err))
        return cf_error_wrap(err, "%s %s/%s", kind->kind, t->ns, t->object);
    struct cf_object_ref ref = cf_ref(api_version, kind->kind, t->ns, t->object);
    if (!cf_kube_get(kube, how, &ref, &r.object, err))
        return cf_error_wrap(err, "read %s %s/%s", kind->kind, t->ns, t->object);
    if (!read_beside(kube, how, t, api_version, &r, &peers_denied, err))
        return false;
    struct cf_router_objects objects = {
        .object = r.object, .delegate = r.delegate, .canary = r.canary, .peers = r.peers
    };
    cf_router_inspect(t, &objects, out);
    if (peers_denied)
        cf_problems_add(
            &out->problems, CF_PROBLEM_WARNING, "peers-not-read",
            "we may not list %s in %s, so others that serve the same host were not looked for",
            kind->plural, t->ns);
    return true;
}

/* ---- adopt ---- */

/* Settles what an object before its first write says; true when the write is due. */
static bool may_adopt(const json_t *baseline, const json_t *object,
                      const struct cf_router_grip *grip, struct cf_router_reading *out)
{
    struct cf_marks m;
    char holder[CF_DEST_WORD_MAX];
    const char *uid = cf_json_str(baseline, "", "uid", NULL);
    cf_router_judge(baseline, object, grip, -1, out);
    if (!object)
        return false;
    cf_marks_read(object, cf_baseline_slot(baseline), &m);
    if (m.present)
        return false;
    if (cf_marks_other_run(object, cf_baseline_slot(baseline), grip->run, holder, sizeof holder))
        return false;
    return !*uid || strcmp(uid, cf_json_str(object, "", "metadata", "uid", NULL)) == 0;
}

/* Makes the canary Ingress. CONFLICT in err means: it is there now, look again. */
static bool create_canary(struct cf_kube *kube, const struct cf_kube_how *how,
                          const json_t *baseline, const struct cf_router_grip *grip, json_t **out,
                          struct cf_error *err)
{
    struct cf_object_ref main_ref =
        cf_ref(cf_json_str(baseline, "", "api_version", NULL), "Ingress", cf_baseline_ns(baseline),
               cf_json_str(baseline, "", "main", NULL));
    cf_autojson json_t *main_object = NULL;
    if (!cf_kube_get(kube, how, &main_ref, &main_object, err))
        return false;
    if (strcmp(cf_json_str(main_object, "", "metadata", "uid", NULL),
               cf_json_str(baseline, "", "main_uid", NULL)) != 0) {
        cf_error_set(err, CF_ERR_CONFLICT, "Ingress %s was deleted and made again", main_ref.name);
        return cf_error_reason(err, "drifted");
    }
    cf_autojson json_t *canary = cf_router_render_canary(baseline, grip);
    return cf_kube_create(kube, how, canary, NULL, out, err);
}

/* One attempt after `object` was found free to take. */
static bool try_adopt(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                      const json_t *object, const struct cf_router_grip *grip, json_t **out,
                      struct cf_error *err)
{
    if (!object)
        return create_canary(kube, how, baseline, grip, out, err);
    struct cf_object_ref ref = cf_router_ref(baseline);
    cf_autojson json_t *patch = cf_router_render_adopt(baseline, object, grip, err);
    return patch && cf_kube_json_patch(kube, how, &ref, patch, NULL, out, err);
}

/* An earlier owner's adoption under the same intent: the object gets this owner's epoch. */
static bool raise_epoch(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                        const json_t *object, const struct cf_router_grip *grip,
                        struct cf_router_reading *out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_router_ref(baseline);
    cf_autojson json_t *answer = NULL;
    cf_autojson json_t *patch = cf_router_render_touch(baseline, object, grip, err);
    if (!patch || !cf_kube_merge_patch(kube, how, &ref, patch, NULL, &answer, err))
        return false;
    cf_router_judge(baseline, answer, grip, -1, out);
    return true;
}

bool cf_router_adopt(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                     const struct cf_router_grip *grip, struct cf_router_reading *out,
                     struct cf_error *err)
{
    bool is_ingress = cf_baseline_type(baseline) == CF_ROUTER_INGRESS;
    struct cf_error last = CF_ERROR_INIT;
    char text[CF_ROUTER_LINE_MAX], refused_rv[CF_KUBE_RV_TEXT] = "";
    for (int i = 0; i < CF_ROUTER_TRIES_MAX; i++) {
        cf_autojson json_t *object = NULL, *answer = NULL;
        if (!cf_router_get(kube, how, baseline, last.kind == CF_ERR_UNKNOWN, &object, err))
            return false;
        bool due = may_adopt(baseline, object, grip, out);
        if (is_ingress && object && due && !cf_ingress_is_ours(object, grip->run)) {
            cf_error_clear(&last);
            cf_error_set(&last, CF_ERR_CONFLICT, "an Ingress %s exists and is not ours",
                         cf_baseline_object(baseline));
            return cf_router_drifted(out, &last);
        }
        if (!due && !(is_ingress && !object)) {
            if (out->state != CF_ROUTER_OURS || out->epoch >= grip->epoch)
                return true;
            cf_error_clear(&last);
            if (raise_epoch(kube, how, baseline, object, grip, out, &last))
                return true;
            if (last.kind != CF_ERR_CONFLICT && last.kind != CF_ERR_UNKNOWN)
                break;
            continue;
        }
        const char *rv = cf_json_str(object, "", "metadata", "resourceVersion", NULL);
        if (last.kind == CF_ERR_INVALID && strcmp(rv, refused_rv) == 0)
            break; /* refused twice in the same state: not by a test of ours */
        snprintf(refused_rv, sizeof refused_rv, "%s", rv);
        cf_error_clear(&last);
        if (try_adopt(kube, how, baseline, object, grip, &answer, &last)) {
            cf_router_judge(baseline, answer, grip, -1, out);
            return true;
        }
        if (strcmp(last.reason, "drifted") == 0)
            return cf_router_drifted(out, &last);
        if (last.kind != CF_ERR_INVALID && last.kind != CF_ERR_CONFLICT &&
            last.kind != CF_ERR_UNKNOWN)
            break;
    }
    cf_error_move(err, &last);
    return cf_error_wrap(err, "take %s", cf_baseline_text(baseline, text));
}

/* ---- restore, release ---- */

static json_t *render_restore(const struct cf_change *c, const json_t *object, struct cf_error *err)
{
    return cf_router_render_restore(c->baseline, object, &c->grip, err);
}

bool cf_router_restore(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       const struct cf_router_grip *grip, struct cf_router_reading *out,
                       struct cf_error *err)
{
    if (cf_baseline_type(baseline) == CF_ROUTER_INGRESS)
        return cf_ingress_delete_canary(kube, how, baseline, grip, out, err);
    struct cf_change c = { .baseline = baseline,
                           .grip = *grip,
                           .after = *grip,
                           .from_weight = -1,
                           .weight = -1,
                           .allows_emergency = true,
                           .ignores_drift = true,
                           .removes_marks = true,
                           .must_be_given_back = true,
                           .render = render_restore };
    return cf_change_run(kube, how, &c, out, err);
}

static json_t *render_release(const struct cf_change *c, const json_t *object, struct cf_error *err)
{
    return cf_router_render_release(c->baseline, object, &c->grip, err);
}

bool cf_router_release(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       const struct cf_router_grip *grip, struct cf_router_reading *out,
                       struct cf_error *err)
{
    if (cf_baseline_type(baseline) == CF_ROUTER_INGRESS)
        return cf_ingress_release(kube, how, baseline, grip, out, err);
    struct cf_change c = { .baseline = baseline,
                           .grip = *grip,
                           .after = *grip,
                           .from_weight = -1,
                           .weight = -1,
                           .ignores_drift = true,
                           .removes_marks = true,
                           .render = render_release };
    return cf_change_run(kube, how, &c, out, err);
}
