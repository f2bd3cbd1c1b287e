/* SPDX-License-Identifier: Apache-2.0 */
/* Which write goes through which checks, in a real server's order: the webhooks that change it, the
 * schema, the webhooks that judge it. */
#include "deploy/sandbox/karmada/webhook.h"

#include <string.h>

#include "base/uuid.h"
#include "deploy/sandbox/api/status.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/karmada/policy_rules.h"
#include "deploy/sandbox/karmada/prune.h"
#include "deploy/sandbox/karmada/switches.h"
#include "deploy/sandbox/karmada/words.h"

static void give_id(json_t *obj, const char *label)
{
    char id[CF_UUID_TEXT];
    cf_json_put_take(obj, json_string(cf_uuid_v7(id)), "metadata", "labels", label, NULL);
}

static void give_finalizer(json_t *obj, const char *finalizer)
{
    if (sbx_has_finalizer(obj, finalizer))
        return;
    json_t *list = json_object_get(json_object_get(obj, "metadata"), "finalizers");
    if (list)
        json_array_append_new(list, json_string(finalizer));
    else
        cf_json_put_take(obj, json_pack("[s]", finalizer), "metadata", "finalizers", NULL);
}

static void change_policy(const struct sbx_review *v)
{
    bool is_pp = strcmp(v->plural, "propagationpolicies") == 0;
    km_policy_default(v->obj);
    if (v->live)
        return;
    give_id(v->obj, is_pp ? KM_PP_ID : KM_CPP_ID);
    give_finalizer(v->obj, is_pp ? KM_F_PP : KM_F_CPP);
}

static void change_override(const struct sbx_review *v)
{
    const char *ns = sbx_ns(v->obj);
    size_t i;
    json_t *s;
    json_array_foreach(cf_json_at(v->obj, "spec", "resourceSelectors", NULL), i, s)
    {
        if (*ns && !*cf_json_str(s, "", "namespace", NULL))
            json_object_set_new(s, "namespace", json_string(ns));
    }
}

static void change_binding(const struct sbx_review *v)
{
    const char *label = strcmp(v->plural, "resourcebindings") == 0 ? KM_RB_ID : KM_CRB_ID;
    if (!*sbx_label(v->obj, label))
        give_id(v->obj, label);
}

/* The manifests lose what belongs to the hub's object, and get what tells the member's object who
 * made it. */
static void change_work(const struct sbx_review *v)
{
    if (!*sbx_label(v->obj, KM_WORK_ID))
        give_id(v->obj, KM_WORK_ID);
    size_t i;
    json_t *m;
    json_array_foreach(cf_json_at(v->obj, "spec", "workload", "manifests", NULL), i, m)
    {
        km_prune(m);
        km_mark_manifest(m, v->obj);
    }
}

static bool judge_policy(const struct sbx_review *v, char **out_why)
{
    return km_policy_check(v->obj, v->live,
                           strcmp(v->plural, "propagationpolicies") == 0 ? KM_PP_ID : KM_CPP_ID,
                           out_why);
}

/* Real webhooks' names stand in what they refuse. */
static const struct {
    const char *plural, *name;
    void (*change)(const struct sbx_review *v);
    bool (*judge)(const struct sbx_review *v, char **out_why); /* NULL: nobody does */
} hooks[] = {
    { "propagationpolicies", "propagationpolicy.karmada.io", change_policy, judge_policy },
    { "clusterpropagationpolicies", "clusterpropagationpolicy.karmada.io", change_policy,
      judge_policy },
    { "overridepolicies", "overridepolicy.karmada.io", change_override, NULL },
    { "clusteroverridepolicies", "clusteroverridepolicy.karmada.io", NULL, NULL },
    { "resourcebindings", "resourcebinding.karmada.io", change_binding, NULL },
    { "clusterresourcebindings", "clusterresourcebinding.karmada.io", change_binding, NULL },
    { "works", "work.karmada.io", change_work, NULL },
};

static bool fail_call(struct sbx_answer *out, const char *name)
{
    return sbx_fail(out, 500, "InternalError",
                    "Internal error occurred: failed calling webhook \"%s\": failed to call "
                    "webhook: Post \"https://karmada-webhook.karmada-system.svc:443\": dial tcp: "
                    "connect: connection refused",
                    name);
}

static bool refuse(struct sbx_answer *out, const char *name, const char *why)
{
    return sbx_fail(out, 403, "Forbidden", "admission webhook \"%s\" denied the request: %s", name,
                    why);
}

static bool may_delete(const struct sbx_review *v, struct sbx_answer *out, bool is_down)
{
    if (strcmp(sbx_label(v->live, KM_PROTECTED), "Always") != 0)
        return true;
    static const char name[] = "resourcedeletionprotection.karmada.io";
    return is_down
               ? fail_call(out, name)
               : refuse(
                     out, name,
                     "This resource is protected, please make sure to remove the label: " KM_PROTECTED);
}

static bool is_binding(const struct sbx_review *v)
{
    return strstr(v->plural, "resourcebindings") != NULL;
}

/* Somebody was faster, as far as the client can tell. */
static bool conflict(const struct sbx_review *v, struct sbx_answer *out)
{
    return sbx_fail(out, 409, "Conflict",
                    "Operation cannot be fulfilled on %s.%s \"%s\": the object has been modified; "
                    "please apply your changes to the latest version and try again",
                    v->plural, v->group, sbx_name(v->live));
}

bool km_webhook(void *user, const struct sbx_review *v, struct sbx_answer *out)
{
    struct km_switchboard *switches = user;
    bool is_down = km_on(switches, KM_WEBHOOK_DOWN);
    if (!v->obj)
        return may_delete(v, out, is_down);
    if (v->live && !v->trusted && is_binding(v) && km_get(switches, KM_BINDING_CONFLICTS) > 0 &&
        km_spend(switches, KM_BINDING_CONFLICTS))
        return conflict(v, out);
    if (*v->sub)
        return true;
    km_schema_default(v->plural, v->obj);
    for (size_t i = 0; i < CF_ARRAY_LEN(hooks); i++) {
        if (strcmp(hooks[i].plural, v->plural) != 0 || strstr(v->group, ".karmada.io") == NULL)
            continue;
        if (is_down)
            return fail_call(out, hooks[i].name);
        if (hooks[i].change)
            hooks[i].change(v);
        if (!km_schema_check(v->plural, v->obj, out))
            return false;
        cf_autofree char *why = NULL;
        if (hooks[i].judge && !hooks[i].judge(v, &why))
            return refuse(out, hooks[i].name, why);
        return true;
    }
    return true;
}
