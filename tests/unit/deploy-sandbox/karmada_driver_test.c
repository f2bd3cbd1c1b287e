/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the driver of Karmada against a control plane that acts: into the target alone and by
 * adoption, placed by us and by Karmada's scheduler; that the source's pods live through everything;
 * that it stops before what is not its own and gives back what it took over; and that the guard sees
 * what others do. */
#include "tests/unit/deploy-sandbox/karmada_driver.h"

/* --- moves --- */

static void place_by(struct driver *d, const char *scheduler)
{
    json_object_set_new(d->state, "scheduler", json_string(scheduler));
}

static void move(struct plane_world *w, const char *copy, const char *scheduler)
{
    struct driver d;
    cf_autojson json_t *before = source_of(w);
    driver_open(&d, w, "karmada", "run-1", copy);
    place_by(&d, scheduler);
    read_source(&d);
    assert_true(carry_out(&d, APPLY));
    assert_copied(&d);
    assert_source_is(w, before);
    assert_true(carry_out(&d, DETACH));
    world_settles(&d);
    assert_source_is(w, before);
    assert_string_equal(deployment(w->east, MANAGED), "");
    assert_string_equal(
        deployment(w->east, "/metadata/annotations/work.karmada.io~1conflict-resolution"), "");
    assert_true(carry_out(&d, ACTIVATE));
    assert_true(carry_out(&d, RELEASE));
    assert_released(&d);
    assert_source_is(w, before);
    driver_close(&d);
}

static void into_the_target_alone(void **state)
{
    move(*state, TARGET_ONLY, "own");
}

static void into_the_target_by_karmadas_scheduler(void **state)
{
    move(*state, TARGET_ONLY, "default");
}

static void into_the_target_with_its_values_in_the_template(void **state)
{
    move(*state, IN_TEMPLATE, "own");
}

static void by_adopting_the_source(void **state)
{
    move(*state, ADOPT, "own");
}

static void by_adopting_the_source_with_karmadas_scheduler(void **state)
{
    move(*state, ADOPT, "default");
}

/* --- conflicts --- */

static void foreign_settings(struct plane_world *w)
{
    make(w->west, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    make(w->west, "", "configmaps", "shop",
         "{'metadata':{'name':'settings','labels':{'team':'b'}},'data':{'a':'9','b':'8'}}");
}

static void a_foreign_object_stops_it(void **state)
{
    struct plane_world *w = *state;
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying out = { 0 };
    foreign_settings(w);
    driver_open(&d, w, "karmada", "run-1", TARGET_ONLY);
    read_source(&d);
    while (d.ops->apply(&d.p, d.inventory, &d.ledger, 250, &out, &err))
        assert_false(out.done);
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_non_null(strstr(err.message, "core/ConfigMap/shop/settings"));
    assert_int_equal(count(w->hub, KM_G_POLICY, "propagationpolicies", "shop"), 0);
    assert_true(carry_out(&d, UNDO));
    assert_string_equal(field(w->west, "", "configmaps", "shop", "settings", "/data/a"), "9");
    driver_close(&d);
}

static void what_it_takes_over_it_gives_back(void **state)
{
    struct plane_world *w = *state;
    struct driver d;
    foreign_settings(w);
    driver_open(&d, w, "karmada", "run-1", OVERWRITE);
    read_source(&d);
    assert_true(carry_out(&d, APPLY));
    world_settles(&d);
    assert_string_equal(field(w->west, "", "configmaps", "shop", "settings", "/data/a"), "2");
    json_array_clear(d.ledger); /* killed before it was recorded */
    assert_true(carry_out(&d, UNDO));
    assert_string_equal(field(w->west, "", "configmaps", "shop", "settings", "/data/a"), "9");
    assert_string_equal(field(w->west, "", "configmaps", "shop", "settings", "/data/b"), "8");
    assert_string_equal(
        field(w->west, "", "configmaps", "shop", "settings", "/metadata/labels/team"), "b");
    driver_close(&d);
}

/* A namespace of Karmada's takes what it placed with it when it goes: only an empty one of ours is
 * deleted, and a policy is somebody's life in it. */
static void a_namespace_in_which_others_live_stays(void **state)
{
    struct plane_world *w = *state;
    struct driver d;
    driver_open(&d, w, "karmada", "run-1", TARGET_ONLY);
    read_source(&d);
    assert_true(carry_out(&d, APPLY));
    world_settles(&d);
    make(w->hub, KM_G_POLICY, "propagationpolicies", "shop",
         "{'metadata':{'name':'theirs'},'spec':{'resourceSelectors':[{'apiVersion':'v1','kind':"
         "'ConfigMap','name':'of-tomorrow'}],'placement':{'clusterAffinity':{'clusterNames':["
         "'east']}}}}");
    assert_true(carry_out(&d, UNDO));
    cf_autojson json_t *ns = sbx_api_one(w->hub, "", "namespaces", NULL, "shop");
    assert_non_null(ns);
    assert_null(cf_json_at(ns, "metadata", "deletionTimestamp", NULL));
    assert_null(cf_json_at(ns, "metadata", "labels", "crossfade.dev/run", NULL));
    driver_close(&d);
}

/* --- others' hands --- */

static const char *finding_of(json_t *findings, const char *code)
{
    size_t i;
    json_t *f;
    json_array_foreach(findings, i, f)
    {
        if (strcmp(cf_json_str(f, "", "code", NULL), code) == 0)
            return cf_json_str(f, "", "message", NULL);
    }
    return NULL;
}

static void another_policy_is_seen_before_anything_is_written(void **state)
{
    struct plane_world *w = *state;
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying out = { 0 };
    cf_autojson json_t *findings = NULL;
    make(w->hub, KM_G_POLICY, "clusterpropagationpolicies", "",
         "{'metadata':{'name':'all'},'spec':{'resourceSelectors':[{'apiVersion':'apps/v1','kind':"
         "'Deployment'}],'placement':{}}}");
    driver_open(&d, w, "karmada", "run-1", TARGET_ONLY);
    read_source(&d);
    assert_true(d.ops->check(&d.p, d.inventory, &findings, &err));
    assert_non_null(finding_of(findings, "SELECTED_BY_ANOTHER"));
    assert_true(d.ops->apply(&d.p, d.inventory, &d.ledger, 250, &out, &err));
    assert_true(out.stuck);
    assert_non_null(strstr(out.why, "all"));
    assert_int_equal(count(w->hub, "apps", "deployments", "shop"), 0);
    driver_close(&d);
}

static void policy_name(struct plane_world *w, char *out, size_t size)
{
    cf_autojson json_t *all = sbx_api_all(w->hub, KM_G_POLICY, "propagationpolicies", "shop");
    snprintf(out, size, "%s", cf_json_str(json_array_get(all, 0), "", "metadata", "name", NULL));
}

static void edit_policy(struct plane_world *w)
{
    char name[80];
    policy_name(w, name, sizeof name);
    assert_int_equal(merge(w->hub, KM_G_POLICY, "propagationpolicies", "shop", name,
                           "{'spec':{'preserveResourcesOnDeletion':false}}"),
                     200);
}

static void delete_policy(struct plane_world *w)
{
    char name[80];
    policy_name(w, name, sizeof name);
    assert_int_equal(drop(w->hub, KM_G_POLICY, "propagationpolicies", "shop", name, ""), 200);
}

static void move_binding(struct plane_world *w)
{
    assert_int_equal(merge(w->hub, KM_G_WORK, "resourcebindings", "shop", "echo-deployment",
                           "{'spec':{'clusters':[{'name':'west','replicas':2},{'name':'east',"
                           "'replicas':2}]}}"),
                     200);
}

static void evict(struct plane_world *w)
{
    assert_int_equal(merge(w->hub, KM_G_WORK, "resourcebindings", "shop", "echo-deployment",
                           "{'spec':{'gracefulEvictionTasks':[{'fromCluster':'west','reason':'x',"
                           "'producer':'y','suppressDeletion':true}]}}"),
                     200);
}

static void delete_template(struct plane_world *w)
{
    assert_int_equal(drop(w->hub, "apps", "deployments", "shop", "worker", ""), 200);
}

static void scale_template(struct plane_world *w)
{
    assert_int_equal(
        merge(w->hub, "apps", "deployments", "shop", "echo", "{'spec':{'replicas':7}}"), 200);
}

static void preempt(struct plane_world *w)
{
    make(w->hub, KM_G_POLICY, "propagationpolicies", "shop",
         "{'metadata':{'name':'theirs'},'spec':{'preemption':'Always','priority':10,"
         "'resourceSelectors':[{'apiVersion':'apps/v1','kind':'Deployment','name':'echo'}],"
         "'placement':{'clusterAffinity':{'clusterNames':['east']}}}}");
}

static void webhook_away(struct plane_world *w)
{
    throw_switch(w, NULL, "webhookDown", 1);
}

static void taint(struct plane_world *w)
{
    assert_int_equal(merge(w->hub, KM_G_CLUSTER, "clusters", NULL, "west",
                           "{'spec':{'taints':[{'key':'x','effect':'NoSchedule'}]}}"),
                     200);
}

static void delete_copy(struct plane_world *w)
{
    throw_switch(w, NULL, "controllersPaused", 1);
    assert_int_equal(drop(w->west, "", "configmaps", "shop", "settings", ""), 200);
}

struct interference {
    void (*fn)(struct plane_world *w);
    const char *code;
};

/* All of them in one world: each is seen beside the others. */
static void guarded(struct plane_world *w, const struct interference *cases, size_t n)
{
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *findings = NULL;
    driver_open(&d, w, "karmada", "run-1", TARGET_ONLY);
    read_source(&d);
    assert_true(carry_out(&d, APPLY));
    world_settles(&d);
    for (size_t i = 0; i < n; i++) {
        cases[i].fn(w);
        (void)sbx_karmada_settle(w->karmada, SETTLE_MS);
    }
    assert_true(d.ops->guard(&d.p, d.ledger, &findings, &err));
    for (size_t i = 0; i < n; i++) {
        if (finding_of(findings, cases[i].code))
            continue;
        cf_autofree char *text = cf_json_dump(findings);
        fail_msg("no %s in %s", cases[i].code, text);
    }
    driver_close(&d);
}

static void the_guard_sees_what_others_change(void **state)
{
    static const struct interference cases[] = {
        { edit_policy, "POLICY_CHANGED" }, { scale_template, "REPLICAS_CHANGED" },
        { preempt, "PREEMPTION" },         { taint, "TAINTED" },
        { webhook_away, "WEBHOOK" },
    };
    guarded(*state, cases, CF_ARRAY_LEN(cases));
}

static void the_guard_sees_what_others_take(void **state)
{
    static const struct interference cases[] = {
        { move_binding, "BINDING_CHANGED" },  { evict, "EVICTION" },
        { delete_template, "TEMPLATE_GONE" }, { delete_policy, "POLICY_GONE" },
        { delete_copy, "COPY_GONE" },
    };
    guarded(*state, cases, CF_ARRAY_LEN(cases));
}

/* A member that the control plane cannot see is one reason, not one for each object. */
static void nobody_judges_a_member_that_is_away(void **state)
{
    struct plane_world *w = *state;
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *report = NULL;
    driver_open(&d, w, "karmada", "run-1", TARGET_ONLY);
    read_source(&d);
    assert_true(carry_out(&d, APPLY));
    world_settles(&d);
    throw_switch(w, "west", "ready", 1);
    (void)sbx_karmada_settle(w->karmada, SETTLE_MS);
    assert_true(d.ops->health(&d.p, d.ledger, &report, &err));
    assert_false(cf_json_bool(report, true, "ready", NULL));
    assert_non_null(strstr(cf_json_str(report, "", "unseen", NULL), "is not Ready"));
    driver_close(&d);
}

/* --- preview --- */

/* What the preview shows is what is then created, policies first of all. */
static void the_preview_is_what_is_written(void **state)
{
    struct plane_world *w = *state;
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *bodies = NULL;
    driver_open(&d, w, "karmada", "run-1", ADOPT);
    read_source(&d);
    if (!d.ops->preview(&d.p, d.inventory, &bodies, &err))
        fail_msg("preview: %s", err.message);
    assert_int_equal(json_object_size(d.state), 0);
    assert_true(carry_out(&d, APPLY));
    size_t i, compared = 0;
    json_t *row;
    json_array_foreach(bodies, i, row)
    {
        const char *kind = cf_json_str(row, "", "ref", "kind", NULL);
        const char *plural = strcmp(kind, "PropagationPolicy") == 0 ? "propagationpolicies"
                             : strcmp(kind, "OverridePolicy") == 0  ? "overridepolicies"
                                                                    : NULL;
        if (!plural)
            continue;
        cf_autofree char *name = cf_xasprintf("%s%s", cf_json_str(row, "", "ref", "name", NULL),
                                              *plural == 'p' ? "-run" : "");
        cf_autojson json_t *live = sbx_api_one(w->hub, KM_G_POLICY, plural, "shop", name);
        assert_non_null(live);
        const char *part = *plural == 'p' ? "resourceSelectors" : "overrideRules";
        assert_true(cf_json_equal(cf_json_at(row, "body", "spec", part, NULL),
                                  cf_json_at(live, "spec", part, NULL)));
        compared++;
    }
    assert_true(compared > 8);
    driver_close(&d);
}

int main(void)
{
#define PROOF(fn) cmocka_unit_test_setup_teardown(fn, setup, plane_down)
    const struct CMUnitTest tests[] = {
        PROOF(into_the_target_alone),
        PROOF(into_the_target_by_karmadas_scheduler),
        PROOF(into_the_target_with_its_values_in_the_template),
        PROOF(by_adopting_the_source),
        PROOF(by_adopting_the_source_with_karmadas_scheduler),

        PROOF(a_foreign_object_stops_it),
        PROOF(what_it_takes_over_it_gives_back),
        PROOF(a_namespace_in_which_others_live_stays),
        PROOF(another_policy_is_seen_before_anything_is_written),
        PROOF(the_guard_sees_what_others_change),
        PROOF(the_guard_sees_what_others_take),
        PROOF(nobody_judges_a_member_that_is_away),
        PROOF(the_preview_is_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
