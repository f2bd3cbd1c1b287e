/* SPDX-License-Identifier: Apache-2.0 */
/* The application of karmada_driver.h as somebody has placed it on the source by a policy of his. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_KARMADA_PLACED_H
#define TESTS_UNIT_DEPLOY_SANDBOX_KARMADA_PLACED_H

#include "tests/unit/deploy-sandbox/karmada_driver.h"

#define THEIR_PLACEMENT                                                                            \
    "'conflictResolution':'Overwrite','placement':{'clusterAffinity':{'clusterNames':['east']}}"

/* What of the application is in the control plane, by rows of `application`. */
enum { WORKLOADS_ONLY = 4, EVERYTHING = 0 };

static inline const char *permanent_id(struct sbx_api *hub, const char *plural, const char *name)
{
    static char id[80];
    cf_autojson json_t *o = sbx_api_one(hub, "", plural, "shop", name);
    snprintf(id, sizeof id, "%s", cf_json_str(o, "", "metadata", "labels", KM_PP_ID, NULL));
    return id;
}

/* Templates of the rows from `first` on, and a policy for each kind: `theirs` of the namespace, or
 * of the cluster. */
static inline void place_by_somebody(struct plane_world *w, size_t first, bool by_cluster_policy)
{
    make(
        w->hub, "", "namespaces", NULL,
        "{'metadata':{'name':'shop','labels':{'namespace.karmada.io/skip-auto-propagation':'true'}}}"
        "");
    CF_CLEANUP(cf_buf_free) struct cf_buf rows = CF_BUF_INIT(8192);
    for (size_t i = first; i < CF_ARRAY_LEN(application); i++) {
        const struct sbx_kind *k = sbx_kind_of_group(application[i].group, application[i].plural);
        make(w->hub, application[i].group, application[i].plural, "shop", application[i].body);
        cf_buf_printf(&rows, "%s{'apiVersion':'%s%s%s','kind':'%s','namespace':'shop'}",
                      rows.len ? "," : "", k->group, *k->group ? "/" : "", k->version, k->kind);
    }
    cf_autofree char *body = cf_xasprintf(
        "{'metadata':{'name':'theirs'},'spec':{'resourceSelectors':[%s]," THEIR_PLACEMENT "}}",
        cf_buf_str(&rows));
    make(w->hub, KM_G_POLICY,
         by_cluster_policy ? "clusterpropagationpolicies" : "propagationpolicies",
         by_cluster_policy ? NULL : "shop", body);
    until_field(w->east, "apps", "deployments", "shop", "echo", MANAGED, "true");
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    assert_true(sbx_controllers_settle(w->controllers, SETTLE_MS));
}

/* What its owner sees of his application in the control plane: spec, data, labels and annotations of
 * the templates; who has them, and where they are placed. */
static inline json_t *theirs_of(struct plane_world *w)
{
    json_t *out = json_array();
    for (size_t i = 0; i < CF_ARRAY_LEN(application); i++) {
        cf_autojson json_t *all =
            sbx_api_all(w->hub, application[i].group, application[i].plural, "shop");
        size_t n;
        json_t *o;
        json_array_foreach(all, n, o)
        {
            json_t *copy = cf_json_copy(o);
            json_object_del(copy, "status");
            static const char *const moving[] = { "resourceVersion", "managedFields",
                                                  "generation" };
            for (size_t m = 0; m < CF_ARRAY_LEN(moving); m++)
                cf_json_del(copy, "metadata", moving[m], NULL);
            json_array_append_new(out, copy);
        }
    }
    cf_autojson json_t *bindings = sbx_api_all(w->hub, KM_G_WORK, "resourcebindings", "shop");
    size_t n;
    json_t *b;
    json_array_foreach(bindings, n, b)
    {
        cf_autojson json_t *spec = cf_json_copy(json_object_get(b, "spec"));
        cf_json_del(spec, "resource", "resourceVersion", NULL);
        json_array_append_new(out,
                              json_pack("{s:O, s:O}", "labels",
                                        cf_json_at(b, "metadata", "labels", NULL), "spec", spec));
    }
    return out;
}

static inline void assert_theirs_is(struct plane_world *w, const json_t *before)
{
    cf_autojson json_t *now = theirs_of(w);
    if (!cf_json_equal(now, before)) {
        cf_autofree char *a = cf_json_dump(before), *b = cf_json_dump(now);
        fprintf(stderr, "%s\n%s\n", a, b);
        fail_msg("what was somebody's is not what it was");
    }
}

/* After an undo. */
static inline void assert_given_back(struct plane_world *w, const json_t *theirs, size_t policies)
{
    assert_theirs_is(w, theirs);
    assert_int_equal(count(w->hub, KM_G_POLICY, "propagationpolicies", "shop"), policies);
    assert_int_equal(count(w->hub, KM_G_POLICY, "overridepolicies", "shop"), 0);
    assert_int_equal(count(w->west, "apps", "deployments", "shop"), 0);
    assert_int_equal(count(w->west, "", "secrets", "shop"), 0);
    assert_int_equal(count(w->west, "", "services", "shop"), 0);
    assert_string_equal(deployment(w->east, MANAGED), "true");
}

struct placing {
    size_t first;
    bool by_cluster_policy;
    const char *scheduler;
};

static inline void open_placed(struct driver *d, struct plane_world *w, const struct placing *how)
{
    place_by_somebody(w, how->first, how->by_cluster_policy);
    driver_open(d, w, "karmada", "run-1", ADOPT);
    json_object_set_new(d->state, "scheduler", json_string(how->scheduler));
    read_source(d);
}

#endif
