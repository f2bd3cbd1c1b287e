/* SPDX-License-Identifier: Apache-2.0 */
/* The calls to a member's API server. */
#include "deploy/sandbox/karmada/apply.h"

#include <string.h>

#include "deploy/sandbox/karmada/prune.h"
#include "deploy/sandbox/karmada/retain.h"

static const struct sbx_kind *kind_of(const json_t *manifest)
{
    return sbx_kind_named(cf_json_str(manifest, "", "apiVersion", NULL),
                          cf_json_str(manifest, "", "kind", NULL));
}

json_t *km_live(const struct km_member *m, const json_t *manifest)
{
    const struct sbx_kind *k = kind_of(manifest);
    return k ? sbx_api_one(m->world.api, k->group, k->plural,
                           k->namespaced ? sbx_ns(manifest) : NULL, sbx_name(manifest))
             : NULL;
}

bool km_is_managed(const json_t *live)
{
    return strcmp(sbx_label(live, KM_MANAGED), "true") == 0;
}

/* Whether the member can be written to at all. */
static bool reach(struct km_member *m, const json_t *manifest, char **out_why)
{
    const struct sbx_kind *k = kind_of(manifest);
    if (!km_member_answers(m)) {
        *out_why = cf_xasprintf("Get \"%s\": dial tcp: connect: connection refused", m->url);
        return false;
    }
    if (!k || !sbx_api_serves(m->world.api, k->group, k->plural)) {
        *out_why = cf_xasprintf("no matches for kind \"%s\" in version \"%s\"",
                                cf_json_str(manifest, "", "kind", NULL),
                                cf_json_str(manifest, "", "apiVersion", NULL));
        return false;
    }
    if (km_get(&m->switches, KM_APPLY_FAILS) == 0 || !km_spend(&m->switches, KM_APPLY_FAILS))
        return true;
    *out_why = cf_xstrdup("Internal error occurred: a fault was asked for");
    return false;
}

/* A write: *out_answer (new reference) is the server's; false with its message. */
static bool call(struct km_member *m, const char *method, const json_t *manifest, bool by_name,
                 const json_t *body, json_t **out_answer, char **out_why)
{
    const struct sbx_kind *k = kind_of(manifest);
    char path[SBX_PATH_MAX];
    sbx_pass_path(path, k->group, k->plural, sbx_ns(manifest), by_name ? sbx_name(manifest) : NULL);
    cf_autojson json_t *answer = NULL;
    int status = sbx_api_do(m->world.api, KM_CONTROLLER, method, "application/json", body, &answer,
                            "%s", path);
    if (status < 400) {
        *out_answer = cf_steal(&answer);
        return true;
    }
    *out_why = cf_xstrdup(cf_json_str(answer, "", "message", NULL));
    return false;
}

static bool put(struct km_member *m, const json_t *manifest, json_t *live, json_t **out_written,
                char **out_why)
{
    cf_autojson json_t *body = km_retain(manifest, live);
    if (km_differs(body, live))
        return call(m, "PUT", manifest, true, body, out_written, out_why);
    *out_written = json_incref(live);
    return true;
}

/* Whether an object that stands there may be written: it is managed, or may be taken over. */
static bool may_write(const json_t *manifest, const json_t *live)
{
    return km_is_managed(live) ||
           strcmp(cf_json_str(manifest, "", "metadata", "annotations", KM_CONFLICT, NULL),
                  "overwrite") == 0;
}

static bool refuse(const struct km_member *m, const json_t *manifest, char **out_why)
{
    *out_why = cf_xasprintf(
        "resource(kind=%s, %s/%s) already exists in the cluster %s and the " KM_CONFLICT
        " strategy value is empty, Karmada will not manage this resource",
        cf_json_str(manifest, "", "kind", NULL), sbx_ns(manifest), sbx_name(manifest), m->name);
    return false;
}

bool km_apply(struct km_member *m, const json_t *manifest, json_t **out_written, char **out_why)
{
    if (!reach(m, manifest, out_why))
        return false;
    cf_autojson json_t *live = km_live(m, manifest);
    if (!live)
        return call(m, "POST", manifest, false, manifest, out_written, out_why);
    if (may_write(manifest, live))
        return put(m, manifest, live, out_written, out_why);
    return refuse(m, manifest, out_why);
}

bool km_take_back(struct km_member *m, const json_t *manifest, char **out_why)
{
    if (!reach(m, manifest, out_why))
        return false;
    cf_autojson json_t *live = km_live(m, manifest), *answer = NULL;
    if (!live || !km_is_managed(live) || sbx_is_going(live))
        return true;
    cf_autojson json_t *options = json_pack("{s:s,s:s,s:s}", "apiVersion", "v1", "kind",
                                            "DeleteOptions", "propagationPolicy", "Background");
    return call(m, "DELETE", manifest, true, options, &answer, out_why);
}

bool km_let_go(struct km_member *m, const json_t *manifest, char **out_why)
{
    if (!reach(m, manifest, out_why))
        return false;
    cf_autojson json_t *live = km_live(m, manifest), *written = NULL;
    if (!live) {
        *out_why = cf_xasprintf("%s \"%s\" not found", cf_json_str(manifest, "", "kind", NULL),
                                sbx_name(manifest));
        return false;
    }
    cf_autojson json_t *bare = cf_json_copy(manifest);
    km_unclaim(bare);
    km_unmark(bare);
    if (!may_write(manifest, live))
        return refuse(m, manifest, out_why);
    return put(m, bare, live, &written, out_why);
}
