/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the driver of Clusternet against a hub that acts: into the target alone; that it takes back
 * exactly what it made, and nothing by which the hub would delete what is somebody else's; that no
 * Namespace is ever fed; and that check and guard see what others do. */
#include "tests/unit/deploy-sandbox/clusternet_driver.h"

/* --- moves --- */

static void into_the_target_alone(void **state)
{
    struct driver d;
    cf_autojson json_t *before = source_of(*state);
    driver_open(&d, *state);
    assert_true(carry_out(&d, APPLY));
    assert_copied(&d);
    assert_true(carry_out(&d, ACTIVATE));
    assert_string_equal(west(&d, "apps", "deployments", "worker", "/spec/replicas"), "1");
    assert_string_equal(west(&d, "batch", "cronjobs", "nightly", "/spec/suspend"), "false");
    assert_true(carry_out(&d, RELEASE));
    hub_settle(d.w);
    assert_string_equal(west(&d, "apps", "deployments", "echo", OURS), "");
    assert_string_equal(west(&d, "apps", "deployments", "worker", "/spec/replicas"), "1");
    assert_string_equal(
        west(&d, "autoscaling", "horizontalpodautoscalers", "echo", "/spec/minReplicas"), "1");
    assert_true(count(d.w->hub, CN_G_APPS, "subscriptions", "shop") > 0);
    assert_source_is(d.w, before);
    driver_close(&d);
}

static void an_autoscaler_keeps_its_replicas(void **state)
{
    struct driver d;
    driver_open(&d, *state);
    assert_true(carry_out(&d, APPLY));
    merge(d.w->west, "apps", "deployments", "shop", "echo", "{'spec':{'replicas':4}}");
    hub_settle(d.w);
    assert_string_equal(west(&d, "apps", "deployments", "echo", "/spec/replicas"), "4");
    driver_close(&d);
}

/* An autoscaler leaves alone what has no replicas, and so does the hub. */
static void what_stands_at_nothing_is_not_started(void **state)
{
    struct hub_world *w = *state;
    struct driver d;
    merge(w->east, "apps", "deployments", "shop", "worker", "{'spec':{'replicas':0}}");
    make(w->east, "autoscaling", "horizontalpodautoscalers", "shop",
         "{'metadata':{'name':'worker'},'spec':{'minReplicas':1,'maxReplicas':5,'scaleTargetRef':{"
         "'apiVersion':'apps/v1','kind':'Deployment','name':'worker'}}}");
    hub_settle(w);
    driver_open(&d, w);
    assert_true(carry_out(&d, APPLY));
    assert_string_equal(west(&d, "apps", "deployments", "worker", "/spec/replicas"), "0");
    assert_true(carry_out(&d, ACTIVATE));
    hub_settle(w);
    assert_string_equal(west(&d, "apps", "deployments", "worker", "/spec/replicas"), "0");
    driver_close(&d);
}

/* --- what is somebody else's --- */

static void a_foreign_object_stops_it(void **state)
{
    struct hub_world *w = *state;
    struct driver d;
    struct cf_copying out;
    make(w->west, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    make(w->west, "", "configmaps", "shop", "{'metadata':{'name':'settings'},'data':{'a':'9'}}");
    driver_open(&d, w);
    assert_false(carry(&d, APPLY, &out));
    assert_true(out.stuck);
    assert_non_null(strstr(out.why, "core/ConfigMap/shop/settings"));
    assert_int_equal(count(w->hub, CN_G_APPS, "subscriptions", NULL), 0);
    assert_true(carry_out(&d, UNDO));
    assert_string_equal(west(&d, "", "configmaps", "settings", "/data/a"), "9");
    driver_close(&d);
}

/* Deleting the Subscription would delete it by name. */
static void what_became_somebody_elses_is_not_deleted(void **state)
{
    struct driver d;
    struct cf_copying out;
    driver_open(&d, *state);
    assert_true(carry_out(&d, APPLY));
    hub_switch(d.w, NULL, "recoveryOff", 1);
    merge(d.w->west, "", "configmaps", "shop", "settings",
          "{'metadata':{'labels':{'crossfade.dev/run':null}}}");
    hub_settle(d.w);
    assert_false(carry(&d, UNDO, &out));
    assert_non_null(strstr(out.why, "core/ConfigMap/shop/settings"));
    assert_true(is_there(d.w->west, "", "configmaps", "shop", "settings"));
    driver_close(&d);
}

/* The first Subscription of ours; name into out. */
static void subscription_name(struct hub_world *w, char *out, size_t size)
{
    cf_autojson json_t *all = sbx_api_all(w->hub, CN_G_APPS, "subscriptions", "shop");
    snprintf(out, size, "%s", cf_json_str(json_array_get(all, 0), "", "metadata", "name", NULL));
}

static void a_feed_that_somebody_added_stops_the_way_back(void **state)
{
    struct driver d;
    struct cf_copying out;
    char name[80];
    driver_open(&d, *state);
    assert_true(carry_out(&d, APPLY));
    subscription_name(d.w, name, sizeof(name));
    cf_autofree char *path = path_of(CN_G_APPS, "subscriptions", "shop");
    cf_autojson json_t *patch =
        read_json("[{'op':'add','path':'/spec/feeds/-','value':" FEED_SPACE "}]");
    assert_int_equal(sbx_api_do(d.w->hub, "test", "PATCH", "application/json-patch+json", patch,
                                NULL, "%s/%s", path, name),
                     200);
    assert_false(carry(&d, UNDO, &out));
    assert_non_null(strstr(out.why, "which somebody added"));
    assert_true(is_there(d.w->west, "", "namespaces", NULL, "shop"));
    assert_true(is_there(d.w->hub, CN_G_APPS, "subscriptions", "shop", name));
    driver_close(&d);
}

static const char *finding_of(const json_t *findings, const char *code)
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

static void a_source_that_is_subscribed_is_refused(void **state)
{
    struct hub_world *w = *state;
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *findings = NULL;
    make(w->hub, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    assert_int_equal(shadow(w, "POST", "configmaps",
                            "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings'},"
                            "'data':{'a':'1'}}"),
                     201);
    subscribe(w, "theirs", "east",
              "{'apiVersion':'v1','kind':'ConfigMap','namespace':'shop','name':'settings'}");
    hub_settle(w);
    until_is(w->east, "", "configmaps", "shop", "settings",
             "/metadata/labels/clusternet.io~1created-by", "clusternet-hub");
    driver_open(&d, w);
    assert_true(d.ops->check(&d.p, d.inventory, &findings, &err));
    const char *said = finding_of(findings, "SOURCE_SUBSCRIBED");
    assert_non_null(said);
    assert_non_null(finding_of(findings, "TEMPLATE_EXISTS"));
    assert_int_equal(json_object_size(d.state), 0); /* a check leaves nothing behind */
    driver_close(&d);
}

/* --- others' hands --- */

static void delete_subscription(struct hub_world *w)
{
    char name[80];
    subscription_name(w, name, sizeof(name));
    drop(w->hub, CN_G_APPS, "subscriptions", "shop", name, "");
}

static void edit_subscription(struct hub_world *w)
{
    char name[80];
    subscription_name(w, name, sizeof(name));
    merge(w->hub, CN_G_APPS, "subscriptions", "shop", name, "{'spec':{'feeds':[]}}");
}

static void unready(struct hub_world *w)
{
    hub_switch(w, "west", "notReady", 1);
}

static void relabel(struct hub_world *w)
{
    cf_autojson json_t *m = managed_of(w, "west");
    hub_switch(w, NULL, "controllersPaused", 1);
    merge(w->hub, CN_G_CLUSTERS, "managedclusters",
          cf_json_str(m, "", "metadata", "namespace", NULL),
          cf_json_str(m, "", "metadata", "name", NULL),
          "{'metadata':{'labels':{'" CN_CLUSTER_ID "':null}}}");
}

static void globalize(struct hub_world *w)
{
    make(w->hub, CN_G_APPS, "globalizations", "",
         "{'metadata':{'name':'g'},'spec':{'feed':{'apiVersion':'v1','kind':'ConfigMap',"
         "'namespace':'shop','name':'settings'},'overrides':[]}}");
}

static void delete_localizations(struct hub_world *w)
{
    cf_autojson json_t *all = sbx_api_all(w->hub, CN_G_APPS, "localizations", NULL);
    const json_t *first = json_array_get(all, 0);
    drop(w->hub, CN_G_APPS, "localizations", cf_json_str(first, "", "metadata", "namespace", NULL),
         cf_json_str(first, "", "metadata", "name", NULL), "");
}

static void delete_template(struct hub_world *w)
{
    assert_int_equal(shadow(w, "DELETE", "configmaps/settings", NULL), 200);
}

static void subscribe_twice(struct hub_world *w)
{
    subscribe(w, "theirs", "west",
              "{'apiVersion':'v1','kind':'ConfigMap','namespace':'shop','name':'settings'}");
}

static void delete_copy(struct hub_world *w)
{
    hub_switch(w, NULL, "controllersPaused", 1);
    drop(w->west, "", "configmaps", "shop", "settings", "");
}

static void the_guard_sees_what_others_do(void **state)
{
    static const struct {
        void (*interfere)(struct hub_world *w);
        const char *code;
    } cases[] = {
        { delete_subscription, "SUBSCRIPTION_GONE" },
        { edit_subscription, "SUBSCRIPTION_CHANGED" },
        { unready, "MEMBER_NOT_READY" },
        { relabel, "MEMBER_CHANGED" },
        { globalize, "OVERRIDDEN" },
        { delete_localizations, "LOCALIZATION_CHANGED" },
        { delete_template, "TEMPLATE_GONE" },
        { subscribe_twice, "SUBSCRIBED_TWICE" },
        { delete_copy, "COPY_GONE" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct driver d;
        driver_open(&d, *state);
        assert_true(carry_out(&d, APPLY));
        hub_settle(d.w);
        cases[i].interfere(d.w);
        /* Two Subscriptions of one object take it from each other for ever. */
        (void)sbx_clusternet_settle(d.w->clusternet, INTERFERE_MS);
        cf_autojson json_t *findings = guard_of(&d);
        if (!finding_of(findings, cases[i].code)) {
            cf_autofree char *text = cf_json_dump(findings);
            fail_msg("no %s in %s", cases[i].code, text);
        }
        driver_close(&d);
        assert_int_equal(hub_down(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

/* A hub that does not answer is a finding, not an error. */
static void the_guard_says_that_the_hub_is_away(void **state)
{
    struct driver d;
    driver_open(&d, *state);
    assert_true(carry_out(&d, APPLY));
    d.lines[2].api = NULL;
    struct knife away = { .left = 0 };
    d.lines[2].knife = &away;
    cf_autojson json_t *findings = guard_of(&d);
    assert_non_null(finding_of(findings, "HUB_UNREACHABLE"));
    driver_close(&d);
}

/* --- preview --- */

static void the_preview_is_what_is_written(void **state)
{
    struct hub_world *w = *state;
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *bodies = NULL;
    driver_open(&d, w);
    if (!d.ops->preview(&d.p, d.inventory, &bodies, &err))
        fail_msg("preview: %s", err.message);
    assert_int_equal(json_object_size(d.state), 0);
    assert_true(carry_out(&d, APPLY));
    size_t i, compared = 0;
    json_t *row;
    json_array_foreach(bodies, i, row)
    {
        const char *kind = cf_json_str(row, "", "ref", "kind", NULL);
        const char *plural = strcmp(kind, "Subscription") == 0   ? "subscriptions"
                             : strcmp(kind, "Localization") == 0 ? "localizations"
                                                                 : NULL;
        if (!plural)
            continue;
        cf_autojson json_t *live =
            sbx_api_one(w->hub, CN_G_APPS, plural, cf_json_str(row, "", "ref", "namespace", NULL),
                        cf_json_str(row, "", "ref", "name", NULL));
        assert_non_null(live);
        assert_true(
            cf_json_equal(cf_json_at(row, "body", "spec", NULL), cf_json_at(live, "spec", NULL)));
        compared++;
    }
    assert_true(compared > 4);
    driver_close(&d);
}

int main(void)
{
#define PROOF(fn) cmocka_unit_test_setup_teardown(fn, setup, hub_down)
    const struct CMUnitTest tests[] = {
        PROOF(into_the_target_alone),
        PROOF(an_autoscaler_keeps_its_replicas),
        PROOF(what_stands_at_nothing_is_not_started),
        PROOF(a_foreign_object_stops_it),
        PROOF(what_became_somebody_elses_is_not_deleted),
        PROOF(a_feed_that_somebody_added_stops_the_way_back),
        PROOF(a_source_that_is_subscribed_is_refused),
        PROOF(the_guard_sees_what_others_do),
        PROOF(the_guard_says_that_the_hub_is_away),
        PROOF(the_preview_is_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
