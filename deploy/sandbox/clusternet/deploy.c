/* SPDX-License-Identifier: Apache-2.0 */
/* The calls into a member: create, else merge over what is there; delete by name. Neither asks whose
 * it is. */
#include <string.h>

#include "base/json_patch.h"
#include "deploy/sandbox/clusternet/round.h"
#include "federation/objects/diff.h"

static const struct sbx_kind *kind_of(const json_t *object)
{
    return sbx_kind_named(cf_json_str(object, "", "apiVersion", NULL),
                          cf_json_str(object, "", "kind", NULL));
}

static bool reach(struct cn_member *m, const json_t *object, char **out_why)
{
    const struct sbx_kind *k = kind_of(object);
    if (cn_on(&m->switches, CN_UNREACHABLE)) {
        *out_why = cf_xasprintf("dial %s: connect: connection refused", m->name);
        return false;
    }
    if (!k || !sbx_api_serves(m->world.api, k->group, k->plural)) {
        *out_why = cf_xasprintf("please check whether the advertised apiserver of current child "
                                "cluster is accessible. no matches for kind \"%s\"",
                                cf_json_str(object, "", "kind", NULL));
        return false;
    }
    return true;
}

static int call(struct cn_member *m, const char *method, const char *type, const json_t *object,
                bool by_name, const json_t *body, char **out_why)
{
    const struct sbx_kind *k = kind_of(object);
    char path[SBX_PATH_MAX];
    cf_autojson json_t *answer = NULL;
    sbx_pass_path(path, k->group, k->plural, sbx_ns(object), by_name ? sbx_name(object) : NULL);
    int status = sbx_api_do(m->world.api, CN_HUB, method, type, body, &answer, "%s", path);
    if (status >= 400)
        *out_why = cf_xstrdup(cf_json_str(answer, "", "message", NULL));
    return status;
}

/* The object as it is written: with a note of whose it is, and of what was written last. */
static json_t *marked(const json_t *description, const json_t *object)
{
    static const char *const servers[] = { "uid",           "resourceVersion",
                                           "generation",    "creationTimestamp",
                                           "managedFields", "selfLink" };
    json_t *copy = cf_json_copy(object);
    cf_autofree char *owner = cf_xasprintf("%s.%s", sbx_ns(description), sbx_name(description));
    for (size_t i = 0; i < CF_ARRAY_LEN(servers); i++)
        cf_json_del(copy, "metadata", servers[i], NULL);
    cf_json_put_take(copy, json_string(owner), "metadata", "annotations", CN_OWNED_BY, NULL);
    cf_autofree char *text = cf_json_dump(copy);
    cf_json_put_take(copy, json_string(text), "metadata", "annotations", CN_APPLIED, NULL);
    return copy;
}

/* null for what was written the last time and is not any more. */
static void forget_old(const json_t *was, const json_t *now, json_t *patch)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(was), key, value)
    {
        const json_t *next = json_object_get(now, key);
        json_t *sub = json_object_get(patch, key);
        if (!next)
            json_object_set_new(patch, key, json_null());
        else if (json_is_object(value) && json_is_object(next) && json_is_object(sub))
            forget_old(value, next, sub);
    }
}

/* The three-way merge: what is to be, over what is there, without what was written before. */
static json_t *merge_of(const json_t *live, const json_t *wanted)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *text = cf_json_str(live, "", "metadata", "annotations", CN_APPLIED, NULL);
    cf_autojson json_t *was = *text ? cf_json_parse(text, strlen(text), 0, &err) : NULL;
    json_t *patch = cf_json_copy(wanted);
    forget_old(was, wanted, patch);
    cf_json_del(patch, "metadata", "annotations", CN_APPLIED, NULL);
    cf_autojson json_t *after = cf_json_merge_apply(live, patch);
    bool same = cf_json_equal(after, live) ||
                (cf_object_same(wanted, live, NULL) &&
                 cf_json_equal(cf_json_at(wanted, "metadata", "annotations", CN_APPLIED, NULL),
                               cf_json_at(live, "metadata", "annotations", CN_APPLIED, NULL)));
    if (same) {
        json_decref(patch);
        return NULL;
    }
    cf_json_put_take(patch,
                     cf_json_copy(cf_json_at(wanted, "metadata", "annotations", CN_APPLIED, NULL)),
                     "metadata", "annotations", CN_APPLIED, NULL);
    return patch;
}

bool cn_deploy(struct cn_round *r, struct cn_member *m, const json_t *description,
               const json_t *object, char **out_why)
{
    (void)r;
    if (!reach(m, object, out_why))
        return false;
    const struct sbx_kind *k = kind_of(object);
    cf_autojson json_t *wanted = marked(description, object);
    cf_autojson json_t *live = sbx_api_one(m->world.api, k->group, k->plural,
                                           k->namespaced ? sbx_ns(object) : NULL, sbx_name(object));
    cf_autojson json_t *patch = live ? merge_of(live, wanted) : NULL;
    if (live && !patch)
        return true;
    if (cn_on(&m->switches, CN_APPLY_FAILS) && cn_spend(&m->switches, CN_APPLY_FAILS)) {
        *out_why = cf_xstrdup("Internal error occurred: a fault was asked for");
        return false;
    }
    if (!live)
        return call(m, "POST", "application/json", wanted, false, wanted, out_why) < 400;
    return call(m, "PATCH", "application/merge-patch+json", wanted, true, patch, out_why) < 400;
}

bool cn_delete_by_name(struct cn_round *r, struct cn_member *m, const json_t *object,
                       char **out_why)
{
    enum { NOT_FOUND = 404 };
    (void)r;
    if (!reach(m, object, out_why))
        return false;
    cf_autojson json_t *options = json_pack("{s:s,s:s,s:s}", "apiVersion", "v1", "kind",
                                            "DeleteOptions", "propagationPolicy", "Background");
    int status = call(m, "DELETE", "application/json", object, true, options, out_why);
    if (status == NOT_FOUND) {
        free(*out_why);
        *out_why = NULL;
        return true;
    }
    return status < 400;
}
