/* SPDX-License-Identifier: Apache-2.0 */
/* An application in the source, and what must hold of it, of its copies and of the control plane,
 * whatever the driver of Karmada did. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_KARMADA_DRIVER_H
#define TESTS_UNIT_DEPLOY_SANDBOX_KARMADA_DRIVER_H

#include "tests/unit/deploy-sandbox/driver_world.h"

#define TARGET_ONLY                                                                                \
    "{'method':'karmada','mode':'targetOnly','onConflict':'abort','overrides':'policy'}"
#define IN_TEMPLATE                                                                                \
    "{'method':'karmada','mode':'targetOnly','onConflict':'abort','overrides':'template'}"
#define OVERWRITE                                                                                  \
    "{'method':'karmada','mode':'targetOnly','onConflict':'overwrite','overrides':'policy'}"
#define ADOPT "{'method':'karmada','mode':'adopt','onConflict':'abort','overrides':'policy'}"

static const struct {
    const char *group, *plural, *body;
} application[] = {
    { "", "serviceaccounts", "{'metadata':{'name':'echo'}}" },
    { "", "configmaps", "{'metadata':{'name':'settings'},'data':{'a':'1'}}" },
    { "", "secrets", "{'metadata':{'name':'password'},'data':{'p':'c2VjcmV0'}}" },
    { "", "services",
      "{'metadata':{'name':'echo'},'spec':{'selector':{'app':'echo'},'ports':[{'port':80}]}}" },
    { "apps", "deployments",
      "{'metadata':{'name':'echo'},'spec':{'replicas':2,'selector':{'matchLabels':{'app':'echo'}},"
      "'template':{'metadata':{'labels':{'app':'echo'}},'spec':{'serviceAccountName':'echo',"
      "'containers':[{'name':'echo','image':'echo:v1','envFrom':[{'configMapRef':{'name':"
      "'settings'}},{'secretRef':{'name':'password'}}]}]}}}}" },
    { "apps", "deployments",
      "{'metadata':{'name':'worker'},'spec':{'replicas':1,'selector':{'matchLabels':{'app':"
      "'worker'}},'template':{'metadata':{'labels':{'app':'worker'}},'spec':{'containers':[{"
      "'name':'main','image':'echo:v1'}]}}}}" },
    { "batch", "cronjobs",
      "{'metadata':{'name':'nightly'},'spec':{'schedule':'0 3 1 1 *','jobTemplate':{'spec':{"
      "'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'main','image':'echo:v1'"
      "}]}}}}}}" },
    { "policy", "poddisruptionbudgets",
      "{'metadata':{'name':'echo'},'spec':{'minAvailable':1,'selector':{'matchLabels':{'app':"
      "'echo'}}}}" },
};

static inline int setup(void **state)
{
    if (plane_up(state) != 0)
        return 1;
    struct plane_world *w = *state;
    make(w->east, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    for (size_t i = 0; i < CF_ARRAY_LEN(application); i++)
        make(w->east, application[i].group, application[i].plural, "shop", application[i].body);
    assert_true(sbx_controllers_settle(w->controllers, SETTLE_MS));
    return 0;
}

/* --- what must hold --- */

/* Uids of the pods and specs of the source: all that a move may not touch. */
static inline json_t *source_of(struct plane_world *w)
{
    static const char *const kinds[][2] = {
        { "", "pods" },          { "apps", "deployments" }, { "", "services" },
        { "batch", "cronjobs" }, { "", "configmaps" },
    };
    json_t *out = json_array();
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
        cf_autojson json_t *all = sbx_api_all(w->east, kinds[i][0], kinds[i][1], "shop");
        size_t n;
        json_t *o;
        json_array_foreach(all, n, o)
        {
            json_t *spec = json_object_get(o, "spec");
            json_array_append_new(out, json_pack("{s:s, s:o}", "uid",
                                                 cf_json_str(o, "", "metadata", "uid", NULL),
                                                 "spec", spec ? cf_json_copy(spec) : json_null()));
        }
    }
    return out;
}

static inline void assert_source_is(struct plane_world *w, const json_t *before)
{
    cf_autojson json_t *now = source_of(w);
    if (!cf_json_equal(now, before)) {
        cf_autofree char *a = cf_json_dump(before), *b = cf_json_dump(now);
        fprintf(stderr, "%s\n%s\n", a, b);
        fail_msg("the source is not what it was");
    }
}

static inline const char *deployment(struct sbx_api *api, const char *pointer)
{
    return field(api, "apps", "deployments", "shop", "echo", pointer);
}

#define MANAGED "/metadata/labels/karmada.io~1managed"
#define OURS    "/metadata/labels/crossfade.dev~1run"

static inline void assert_copied(struct driver *d)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *health = NULL, *findings = NULL, *changes = NULL;
    world_settles(d);
    assert_string_equal(deployment(d->w->west, MANAGED), "true");
    assert_string_equal(deployment(d->w->west, OURS), d->p.run_id);
    assert_string_equal(field(d->w->west, "", "configmaps", "shop", "settings", "/data/a"), "2");
    assert_string_equal(
        field(d->w->west, "apps", "deployments", "shop", "worker", "/spec/replicas"), "0");
    assert_true(d->ops->health(&d->p, d->ledger, &health, &err));
    if (!cf_json_bool(health, false, "ready", NULL)) {
        cf_autofree char *text = cf_json_dump(health);
        fail_msg("not healthy: %s", text);
    }
    assert_true(d->ops->guard(&d->p, d->ledger, &findings, &err));
    if (json_array_size(findings) > 0) {
        cf_autofree char *text = cf_json_dump(findings);
        fail_msg("the guard found: %s", text);
    }
    read_source(d);
    assert_true(d->ops->changes(&d->p, d->inventory, d->ledger, &changes, &err));
    assert_int_equal(json_array_size(changes), 0);
}

static inline void assert_released(struct driver *d)
{
    world_settles(d);
    assert_string_equal(deployment(d->w->west, MANAGED), "true");
    assert_string_equal(deployment(d->w->west, OURS), "");
    assert_string_equal(deployment(d->w->hub, OURS), "");
    assert_string_equal(
        field(d->w->west, "apps", "deployments", "shop", "worker", "/spec/replicas"), "1");
    assert_string_equal(field(d->w->west, "batch", "cronjobs", "shop", "nightly", "/spec/suspend"),
                        "false");
    cf_autojson json_t *policies =
        sbx_api_all(d->w->hub, KM_G_POLICY, "propagationpolicies", "shop");
    size_t i;
    json_t *policy;
    assert_true(json_array_size(policies) > 0);
    json_array_foreach(policies, i, policy)
    {
        assert_string_equal(cf_json_str(policy, "", "spec", "schedulerName", NULL),
                            KM_DEFAULT_SCHEDULER);
        assert_int_equal(cf_json_int(policy, 0, "spec", "priority", NULL), 0);
    }
    cf_autojson json_t *bindings = sbx_api_all(d->w->hub, KM_G_WORK, "resourcebindings", "shop");
    json_array_foreach(bindings, i, policy)
    {
        const json_t *clusters = cf_json_at(policy, "spec", "clusters", NULL);
        assert_int_equal(json_array_size(clusters), 1);
        assert_string_equal(cf_json_str(json_array_get(clusters, 0), "", "name", NULL), "west");
    }
}

static inline void assert_nothing_left(struct plane_world *w)
{
    static const char *const kinds[][2] = {
        { KM_G_POLICY, "propagationpolicies" },
        { KM_G_POLICY, "overridepolicies" },
        { KM_G_WORK, "resourcebindings" },
        { "apps", "deployments" },
        { "", "secrets" },
        { "", "services" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        assert_int_equal(count(w->hub, kinds[i][0], kinds[i][1], "shop"), 0);
    for (size_t i = 3; i < CF_ARRAY_LEN(kinds); i++)
        assert_int_equal(count(w->west, kinds[i][0], kinds[i][1], "shop"), 0);
    assert_int_equal(count(w->hub, "work.karmada.io", "works", "karmada-es-west"), 0);
}

#endif
