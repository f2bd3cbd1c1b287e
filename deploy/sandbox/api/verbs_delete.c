/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE: preconditions, finalizers, propagation, grace. Dependents are left to the garbage
 * collector among the controllers. */
#include <string.h>

#include "base/clock.h"
#include "deploy/sandbox/api/core.h"

static bool read_options(struct sbx_request *r)
{
    if (!r->call->body_len)
        return true;
    struct cf_error err = CF_ERROR_INIT;
    r->options = cf_json_parse(r->call->body, r->call->body_len, SBX_OBJECT_MAX, &err);
    if (!r->options || !json_is_object(r->options))
        return sbx_fail(r->out, 400, "BadRequest", "error decoding DeleteOptions: %s", err.message);
    if (json_array_size(json_object_get(r->options, "dryRun")) > 0)
        r->dry_run = true;
    return true;
}

static const char *policy_of(const struct sbx_request *r)
{
    const char *q = sbx_query(&r->path, "propagationPolicy");
    if (r->options && json_object_get(r->options, "propagationPolicy"))
        return cf_json_str(r->options, "", "propagationPolicy", NULL);
    if (cf_json_bool(r->options, false, "orphanDependents", NULL))
        return "Orphan";
    if (q)
        return q;
    return strcmp(r->kind->kind, "Job") == 0 ? "Orphan" : ""; /* so since before pods had owners */
}

static bool check_policy(struct sbx_request *r)
{
    const char *policy = policy_of(r);
    if (!*policy || sbx_word_in("Background,Foreground,Orphan", policy))
        return true;
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    sbx_cause(&causes, "FieldValueNotSupported", policy, "propagationPolicy");
    return sbx_fail_invalid(r->out, "meta.k8s.io", "DeleteOptions", "", &causes);
}

static bool check_preconditions(struct sbx_request *r, const json_t *live)
{
    const json_t *pre = json_object_get(r->options, "preconditions");
    const char *uid = cf_json_str(pre, NULL, "uid", NULL),
               *rv = cf_json_str(pre, NULL, "resourceVersion", NULL);
    const char *have_uid = cf_json_str(live, "", "metadata", "uid", NULL),
               *have_rv = cf_json_str(live, "", "metadata", "resourceVersion", NULL);
    const char *name = cf_json_str(live, "", "metadata", "name", NULL);
    cf_autofree char *why = NULL;
    if (uid && strcmp(uid, have_uid) != 0)
        why = cf_xasprintf("the UID in the precondition (%s) does not match the UID in record "
                           "(%s). The object might have been deleted "
                           "and then recreated",
                           uid, have_uid);
    else if (rv && strcmp(rv, have_rv) != 0)
        why = cf_xasprintf("the ResourceVersion in the precondition (%s) does not match the "
                           "ResourceVersion in record (%s). The object "
                           "might have been modified",
                           rv, have_rv);
    if (!why)
        return true;
    sbx_fail_conflict(r->out, r->kind, name, why);
    sbx_detail(r->out, "kind", json_string(r->kind->kind));
    return false;
}

static void add_finalizer(json_t *meta, const char *name)
{
    json_t *list = json_object_get(meta, "finalizers");
    size_t i;
    json_t *f;
    if (!list) {
        list = json_array();
        json_object_set_new(meta, "finalizers", list);
    }
    json_array_foreach(list, i, f)
    {
        if (strcmp(json_string_value(f), name) == 0)
            return;
    }
    json_array_append_new(list, json_string(name));
}

/* Seconds that a pod may take to end; 0: none, or not a pod. */
static int64_t grace_of(const struct sbx_request *r, const json_t *live)
{
    if (strcmp(r->kind->kind, "Pod") != 0 || !*cf_json_str(live, "", "spec", "nodeName", NULL))
        return 0;
    int64_t own = cf_json_int(live, 30, "spec", "terminationGracePeriodSeconds", NULL);
    int64_t dflt = sbx_query_int(&r->path, "gracePeriodSeconds", own);
    return cf_json_int(r->options, dflt, "gracePeriodSeconds", NULL);
}

static void begin_dying(const struct sbx_api *api, json_t *live, json_t *meta, int64_t grace)
{
    char now[CF_TIME_TEXT_MAX];
    if (json_object_get(meta, "deletionTimestamp")) {
        if (grace < cf_json_int(meta, grace, "deletionGracePeriodSeconds", NULL))
            json_object_set_new(meta, "deletionGracePeriodSeconds", json_integer(grace));
        return;
    }
    json_object_set_new(meta, "deletionTimestamp", json_string(sbx_now(api, grace * 1000, now)));
    json_object_set_new(meta, "deletionGracePeriodSeconds", json_integer(grace));
    if (json_object_get(meta, "generation"))
        json_object_set_new(meta, "generation",
                            json_integer(cf_json_int(live, 0, "metadata", "generation", NULL) + 1));
}

static void delete_one(struct sbx_request *r, json_t *live)
{
    cf_autojson json_t *held = json_incref(live);
    const char *name = cf_json_str(held, "", "metadata", "name", NULL),
               *ns = cf_json_str(held, "", "metadata", "namespace", NULL);
    bool is_namespace = strcmp(r->kind->kind, "Namespace") == 0;
    if (is_namespace && sbx_word_in("default,kube-system,kube-public", name)) {
        sbx_fail(r->out, 403, "Forbidden",
                 "namespaces \"%s\" is forbidden: this namespace may not be deleted", name);
        sbx_detail(r->out, "name", json_string(name));
        sbx_detail(r->out, "kind", json_string("namespaces"));
        return;
    }
    if (!sbx_reviewed(r, "DELETE", NULL, held))
        return;
    cf_autojson json_t *obj = cf_json_copy(held);
    json_t *meta = json_object_get(obj, "metadata");
    const char *policy = policy_of(r);
    if (strcmp(policy, "Foreground") == 0)
        add_finalizer(meta, "foregroundDeletion");
    else if (strcmp(policy, "Orphan") == 0)
        add_finalizer(meta, "orphan");
    int64_t grace = grace_of(r, held);
    bool lives_on =
        json_array_size(json_object_get(meta, "finalizers")) > 0 || grace > 0 ||
        (is_namespace && json_array_size(cf_json_at(obj, "spec", "finalizers", NULL)) > 0);
    if (lives_on) {
        begin_dying(r->api, held, meta, grace);
        if (is_namespace)
            cf_json_put_take(obj, json_string("Terminating"), "status", "phase", NULL);
        if (!r->dry_run && !cf_json_equal(obj, held))
            (void)sbx_put_take(r->api, r->kind, json_incref(obj));
    } else if (strcmp(r->kind->kind, "Pod") == 0) {
        begin_dying(r->api, held, meta, 0);
    }
    if (!lives_on && !r->dry_run) {
        sbx_remove(r->api, r->kind, ns, name);
    }
    if (lives_on || r->kind->returns_deleted) {
        sbx_answer_object(r, 200, obj);
        return;
    }
    r->out->status = 200;
    r->out->body = sbx_success(r->kind, name, cf_json_str(held, "", "metadata", "uid", NULL));
}

void sbx_verb_delete(struct sbx_request *r)
{
    if (!read_options(r) || !check_policy(r))
        return;
    json_t *live = sbx_get(r->api, r->kind, r->ns, r->path.name);
    if (!live)
        sbx_fail_not_found(r->out, r->kind, r->path.name);
    else if (check_preconditions(r, live))
        delete_one(r, live);
}

void sbx_verb_delete_collection(struct sbx_request *r)
{
    struct sbx_answer list = { 0 };
    struct sbx_answer *out = r->out;
    if (!read_options(r) || !check_policy(r))
        return;
    r->out = &list;
    sbx_verb_list(r);
    r->out = out;
    if (list.status != 200) {
        *out = list;
        return;
    }
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(list.body, "items"), i, item)
    {
        json_t *live =
            sbx_get(r->api, r->kind, cf_json_str(item, "", "metadata", "namespace", NULL),
                    cf_json_str(item, "", "metadata", "name", NULL));
        struct sbx_answer one = { 0 };
        r->out = &one;
        if (live)
            delete_one(r, live);
        sbx_answer_free(&one);
        r->out = out;
    }
    *out = list;
}
