/* SPDX-License-Identifier: Apache-2.0 */
/* How an Ingress ends. After a rollback the canary goes. After commit the main Ingress gets the
 * target as its backend, then the canary goes, then the keeper.
 *
 * The keeper: ingress-nginx reloads when a path's backend changes, and its old workers serve what
 * they have already read by the old backend's name. The new list of backends reaches them as well,
 * and what no Ingress names any more is not in it: such a request is answered 503 (1 of 3,000 seen
 * at 100 requests/s). A second canary of ours, for a host that nobody asks for, goes on naming the
 * source's Services until the old workers have gone. */
#include "lb/ingress_end.h"

#include <stdio.h>
#include <string.h>

#include "lb/change.h"
#include "lb/ingress.h"
#include "lb/render.h"

bool cf_router_drifted(struct cf_router_reading *out, struct cf_error *why)
{
    out->state = CF_ROUTER_DRIFTED;
    snprintf(out->what, sizeof out->what, "%.380s", why->message);
    cf_error_clear(why);
    return true;
}

bool cf_ingress_is_ours(const json_t *object, const char *run)
{
    return strcmp(cf_json_str(object, "", "metadata", "labels", CF_INGRESS_OWNER_LABEL, NULL),
                  run) == 0;
}

/* Deletes this very object in the very state that was looked at. Gone is done; a conflict is the
 * caller's to look again. */
static bool delete_as_read(struct cf_kube *kube, const struct cf_kube_how *how,
                           const struct cf_object_ref *ref, const json_t *object,
                           struct cf_error *err)
{
    struct cf_kube_delete options = CF_KUBE_DELETE_INIT;
    options.uid = cf_json_str(object, NULL, "metadata", "uid", NULL);
    options.resource_version = cf_json_str(object, NULL, "metadata", "resourceVersion", NULL);
    if (cf_kube_delete(kube, how, ref, &options, err))
        return true;
    if (err->kind != CF_ERR_NOT_FOUND)
        return false;
    cf_error_clear(err);
    return true;
}

static bool may_look_again(const struct cf_error *err)
{
    return err->kind == CF_ERR_CONFLICT || err->kind == CF_ERR_UNKNOWN;
}

bool cf_ingress_delete_canary(struct cf_kube *kube, const struct cf_kube_how *how,
                              const json_t *baseline, const struct cf_router_grip *grip,
                              struct cf_router_reading *out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_router_ref(baseline);
    char text[CF_ROUTER_LINE_MAX];
    struct cf_error last = CF_ERROR_INIT;
    for (int i = 0; i < CF_ROUTER_TRIES_MAX; i++) {
        cf_autojson json_t *object = NULL;
        if (!cf_router_get(kube, how, baseline, last.kind == CF_ERR_UNKNOWN, &object, err))
            return false;
        cf_router_judge(baseline, object, grip, -1, out);
        if (!object)
            out->state = CF_ROUTER_OURS;
        if (!object || (out->state != CF_ROUTER_OURS && out->state != CF_ROUTER_DRIFTED))
            return true;
        if (!cf_ingress_is_ours(object, grip->run))
            return true;
        cf_error_clear(&last);
        if (delete_as_read(kube, how, &ref, object, &last)) {
            out->state = CF_ROUTER_OURS;
            return true;
        }
        if (!may_look_again(&last))
            break;
    }
    cf_error_move(err, &last);
    return cf_error_wrap(err, "delete %s", cf_baseline_text(baseline, text));
}

/* ---- the keeper ---- */

static struct cf_object_ref keeper_ref(const json_t *baseline, char name[CF_DEST_NAME_MAX])
{
    return cf_ref(cf_json_str(baseline, "", "api_version", NULL), "Ingress",
                  cf_baseline_ns(baseline),
                  cf_ingress_keeper_name(cf_json_str(baseline, "", "main", NULL), name));
}

/* Makes the keeper, if it is not there. False with reason "drifted": somebody else's has its name.
 */
static bool make_keeper(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                        const char *run, struct cf_error *err)
{
    char name[CF_DEST_NAME_MAX];
    struct cf_object_ref ref = keeper_ref(baseline, name);
    struct cf_error last = CF_ERROR_INIT;
    for (int i = 0; i < CF_ROUTER_TRIES_MAX; i++) {
        bool found = false;
        cf_autojson json_t *object = NULL, *keeper = NULL;
        if (!cf_kube_find(kube, how, &ref, &found, &object, err))
            return cf_error_wrap(err, "read Ingress %s/%s", ref.ns, ref.name);
        if (found && cf_ingress_is_ours(object, run))
            return true;
        if (found) {
            cf_error_set(err, CF_ERR_CONFLICT, "an Ingress %s exists and is not ours", ref.name);
            return cf_error_reason(err, "drifted");
        }
        cf_error_clear(&last);
        keeper = cf_router_render_keeper(baseline, run);
        if (cf_kube_create(kube, how, keeper, NULL, NULL, &last))
            return true;
        if (!may_look_again(&last))
            break;
    }
    cf_error_move(err, &last);
    return cf_error_wrap(err, "make Ingress %s/%s", ref.ns, ref.name);
}

static bool delete_keeper(struct cf_kube *kube, const struct cf_kube_how *how,
                          const json_t *baseline, const char *run, struct cf_error *err)
{
    char name[CF_DEST_NAME_MAX];
    struct cf_object_ref ref = keeper_ref(baseline, name);
    struct cf_error last = CF_ERROR_INIT;
    for (int i = 0; i < CF_ROUTER_TRIES_MAX; i++) {
        bool found = false;
        cf_autojson json_t *object = NULL;
        if (!cf_kube_find(kube, how, &ref, &found, &object, err))
            return cf_error_wrap(err, "read Ingress %s/%s", ref.ns, ref.name);
        if (!found || !cf_ingress_is_ours(object, run))
            return true;
        cf_error_clear(&last);
        if (delete_as_read(kube, how, &ref, object, &last))
            return true;
        if (!may_look_again(&last))
            break;
    }
    cf_error_move(err, &last);
    return cf_error_wrap(err, "delete Ingress %s/%s", ref.ns, ref.name);
}

/* ---- switch, retire, release ---- */

static bool read_main(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                      struct cf_object_ref *ref, json_t **out, struct cf_error *err)
{
    *ref = cf_ref(cf_json_str(baseline, "", "api_version", NULL), "Ingress",
                  cf_baseline_ns(baseline), cf_json_str(baseline, "", "main", NULL));
    return cf_kube_get(kube, how, ref, out, err) ||
           cf_error_wrap(err, "read Ingress %s/%s", ref->ns, ref->name);
}

bool cf_router_switch(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                      const struct cf_router_grip *grip, struct cf_router_reading *out,
                      struct cf_error *err)
{
    struct cf_object_ref ref;
    struct cf_error last = CF_ERROR_INIT;
    *out = (struct cf_router_reading){ .state = CF_ROUTER_OURS, .weight = -1, .want = -1 };
    if (cf_baseline_type(baseline) != CF_ROUTER_INGRESS)
        return true;
    for (int i = 0; i < CF_ROUTER_TRIES_MAX; i++) {
        cf_autojson json_t *main_object = NULL;
        if (!read_main(kube, how, baseline, &ref, &main_object, err))
            return false;
        cf_autojson json_t *patch = cf_router_render_switch(baseline, main_object, err);
        if (!patch)
            return cf_router_drifted(out, err);
        if (json_array_size(patch) == 0)
            return true;
        if (!make_keeper(kube, how, baseline, grip->run, err))
            return strcmp(err->reason, "drifted") == 0 && cf_router_drifted(out, err);
        cf_error_clear(&last);
        /* Success is believed only when the next reading shows it. */
        if (!cf_kube_json_patch(kube, how, &ref, patch, NULL, NULL, &last) &&
            last.kind != CF_ERR_INVALID && !may_look_again(&last))
            break;
    }
    if (last.kind == CF_ERR_NONE)
        cf_error_set(&last, CF_ERR_CONFLICT, "somebody else keeps changing the backend");
    cf_error_move(err, &last);
    return cf_error_wrap(err, "switch the backend of Ingress %s/%s", ref.ns, ref.name);
}

bool cf_router_retire(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                      const struct cf_router_grip *grip, struct cf_router_reading *out,
                      struct cf_error *err)
{
    struct cf_object_ref ref;
    cf_autojson json_t *main_object = NULL;
    *out = (struct cf_router_reading){ .state = CF_ROUTER_OURS, .weight = -1, .want = -1 };
    if (cf_baseline_type(baseline) != CF_ROUTER_INGRESS)
        return true;
    if (!read_main(kube, how, baseline, &ref, &main_object, err))
        return false;
    if (!cf_ingress_is_switched(baseline, main_object)) {
        cf_error_set(err, CF_ERR_CONFLICT,
                     "Ingress %s/%s does not lead to the target yet, so its canary stays", ref.ns,
                     ref.name);
        return cf_error_reason(err, "not-switched");
    }
    return cf_ingress_delete_canary(kube, how, baseline, grip, out, err);
}

bool cf_ingress_release(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                        const struct cf_router_grip *grip, struct cf_router_reading *out,
                        struct cf_error *err)
{
    return cf_router_retire(kube, how, baseline, grip, out, err) &&
           (out->state == CF_ROUTER_FENCED || delete_keeper(kube, how, baseline, grip->run, err));
}
