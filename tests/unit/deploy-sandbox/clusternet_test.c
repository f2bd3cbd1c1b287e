/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the sandbox's hub of Clusternet does what a real one does by its source, above all
 * what can hurt: it merges over what it finds, deletes by name, and creates under dryRun. */
#include "tests/unit/deploy-sandbox/clusternet_world.h"

static int setup(void **state)
{
    if (hub_up(state) != 0)
        return 1;
    struct hub_world *w = *state;
    make(w->hub, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    make(w->west, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    return 0;
}

static bool has_config(struct hub_world *w)
{
    return is_there(w->west, "", "configmaps", "shop", "a");
}

static void until_config(struct hub_world *w, const char *value)
{
    until_is(w->west, "", "configmaps", "shop", "a", "/data/k", value);
}

static void a_template_is_no_object(void **state)
{
    struct hub_world *w = *state;
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 201);
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 409);
    assert_false(is_there(w->hub, "", "configmaps", "shop", "a"));
    assert_string_equal(
        field(w->hub, CN_G_APPS, "manifests", CN_RESERVED, "configmaps.shop.a", "/template/data/k"),
        "1");
    assert_int_equal(shadow(w, "GET", "configmaps/a", NULL), 200);
    assert_int_equal(shadow(w, "GET", "configmaps/b", NULL), 404);
    assert_int_equal(shadow(w, "POST", "nothings", CONFIG("1")), 404);
}

static void a_dry_run_creates(void **state)
{
    struct hub_world *w = *state;
    assert_int_equal(shadow(w, "POST", "configmaps?dryRun=All", CONFIG("1")), 201);
    assert_true(is_there(w->hub, CN_G_APPS, "manifests", CN_RESERVED, "configmaps.shop.a"));
}

/* Node ports never stay in a template; the hub's defaults come in, unless it is told not to try. */
static void what_is_tried_gets_the_hubs_defaults(void **state)
{
    struct hub_world *w = *state;
    static const char *const manifest = "services.shop.s";
    assert_int_equal(shadow(w, "POST", "services",
                            "{'apiVersion':'v1','kind':'Service','metadata':{'name':'s'},'spec':{"
                            "'type':'NodePort','ports':[{'port':80,'nodePort':30080}]}}"),
                     201);
    assert_string_equal(field(w->hub, CN_G_APPS, "manifests", CN_RESERVED, manifest,
                              "/template/spec/ports/0/nodePort"),
                        "");
    assert_string_equal(field(w->hub, CN_G_APPS, "manifests", CN_RESERVED, manifest,
                              "/template/spec/sessionAffinity"),
                        "None");
    assert_int_equal(shadow(w, "DELETE", "services/s", NULL), 200);
    until_there(w->hub, CN_G_APPS, "manifests", CN_RESERVED, manifest, false);
    assert_int_equal(shadow(w, "POST", "services",
                            "{'apiVersion':'v1','kind':'Service','metadata':{'name':'s'," UNTRIED
                            "},'spec':{'ports':[{'port':80}]}}"),
                     201);
    assert_string_equal(field(w->hub, CN_G_APPS, "manifests", CN_RESERVED, manifest,
                              "/template/spec/sessionAffinity"),
                        "");
}

static void what_is_subscribed_is_deployed_and_kept(void **state)
{
    struct hub_world *w = *state;
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 201);
    subscribe(w, "s", "west", FEED_CONFIG);
    until_config(w, "1");
    assert_false(is_there(w->east, "", "configmaps", "shop", "a"));
    assert_int_equal(shadow(w, "PATCH", "configmaps/a", "{'data':{'k':'2'}}"), 200);
    until_config(w, "2");
    merge(w->west, "", "configmaps", "shop", "a", "{'data':{'k':'theirs'}}");
    until_config(w, "2");
    drop(w->west, "", "configmaps", "shop", "a", "");
    until_config(w, "2");
    hub_settle(w);
    hub_switch(w, NULL, "recoveryOff", 1);
    merge(w->west, "", "configmaps", "shop", "a", "{'data':{'k':'theirs'}}");
    hub_settle(w);
    assert_string_equal(field(w->west, "", "configmaps", "shop", "a", "/data/k"), "theirs");
}

static void it_merges_over_what_is_there_and_deletes_it_by_name(void **state)
{
    struct hub_world *w = *state;
    make(w->west, "", "configmaps", "shop",
         "{'metadata':{'name':'a','labels':{'team':'b'}},'data':{'k':'0','other':'x'}}");
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 201);
    subscribe(w, "s", "west", FEED_CONFIG);
    until_config(w, "1");
    assert_string_equal(field(w->west, "", "configmaps", "shop", "a", "/data/other"), "x");
    drop(w->hub, CN_G_APPS, "subscriptions", "shop", "s", "");
    until_there(w->west, "", "configmaps", "shop", "a", false);
    until_there(w->hub, CN_G_APPS, "subscriptions", "shop", "s", false);
}

/* Also what lives in it, whoever's it is. */
static void a_fed_namespace_goes_with_the_subscription(void **state)
{
    struct hub_world *w = *state;
    cf_autojson json_t *ns = read_json(
        "{'apiVersion':'apps.clusternet.io/v1alpha1','kind':'Manifest','metadata':{'name':"
        "'namespaces.shop','labels':{'" CN_GROUP "':'','" CN_VERSION "':'v1','" CN_KIND
        "':'Namespace','" CN_NAME "':'shop','" CN_NAMESPACE "':''}},'template':{"
        "'apiVersion':'v1','kind':'Namespace','metadata':{'name':'shop'}}}");
    cf_autofree char *path = path_of(CN_G_APPS, "manifests", CN_RESERVED);
    assert_int_equal(sbx_api_do(w->hub, "test", "POST", NULL, ns, NULL, "%s", path), 201);
    make(w->west, "", "configmaps", "shop", "{'metadata':{'name':'theirs'}}");
    subscribe(w, "s", "west", FEED_SPACE);
    until_there(w->hub, CN_G_APPS, "subscriptions", "shop", "s", true);
    hub_settle(w);
    drop(w->hub, CN_G_APPS, "subscriptions", "shop", "s", "");
    until_there(w->west, "", "namespaces", NULL, "shop", false);
    assert_false(is_there(w->west, "", "configmaps", "shop", "theirs"));
}

static void what_leaves_the_feeds_is_deleted(void **state)
{
    struct hub_world *w = *state;
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 201);
    assert_int_equal(shadow(w, "POST", "secrets",
                            "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'b'," UNTRIED
                            "}}"),
                     201);
    subscribe(w, "s", "west",
              FEED_CONFIG ",{'apiVersion':'v1','kind':'Secret','namespace':'shop','name':'b'}");
    until_config(w, "1");
    until_there(w->west, "", "secrets", "shop", "b", true);
    hub_settle(w);
    merge(w->hub, CN_G_APPS, "subscriptions", "shop", "s", "{'spec':{'feeds':[" FEED_CONFIG "]}}");
    until_there(w->west, "", "secrets", "shop", "b", false);
    hub_settle(w); /* and does not come back */
    assert_false(is_there(w->west, "", "secrets", "shop", "b"));
    assert_true(has_config(w));
}

static void a_member_that_is_not_ready_is_not_touched(void **state)
{
    struct hub_world *w = *state;
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 201);
    subscribe(w, "s", "west", FEED_CONFIG);
    until_config(w, "1");
    hub_settle(w);
    hub_switch(w, "west", "notReady", 1);
    hub_settle(w);
    drop(w->hub, CN_G_APPS, "subscriptions", "shop", "s", "");
    until_there(w->hub, CN_G_APPS, "subscriptions", "shop", "s", false);
    assert_int_equal(count(w->hub, CN_G_APPS, "descriptions", NULL), 0);
    assert_true(has_config(w));
}

static void a_fed_template_is_not_let_go(void **state)
{
    struct hub_world *w = *state;
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 201);
    subscribe(w, "s", "west", FEED_CONFIG);
    until_config(w, "1");
    hub_settle(w);
    assert_int_equal(shadow(w, "DELETE", "configmaps/a", NULL), 200);
    hub_settle(w);
    assert_true(is_there(w->hub, CN_G_APPS, "manifests", CN_RESERVED, "configmaps.shop.a"));
    drop(w->hub, CN_G_APPS, "subscriptions", "shop", "s", "");
    until_there(w->hub, CN_G_APPS, "manifests", CN_RESERVED, "configmaps.shop.a", false);
}

static void overrides_are_put_over_by_priority(void **state)
{
    struct hub_world *w = *state;
    cf_autojson json_t *west = managed_of(w, "west");
    const char *ns = cf_json_str(west, "", "metadata", "namespace", NULL);
    assert_int_equal(shadow(w, "POST", "configmaps", CONFIG("1")), 201);
    make(w->hub, CN_G_APPS, "localizations", ns,
         "{'metadata':{'name':'last'},'spec':{'priority':900,'feed':" FEED_CONFIG
         ",'overrides':[{'name':'a','type':'JSONPatch','value':'[]'}]}}");
    make(w->hub, CN_G_APPS, "globalizations", "",
         "{'metadata':{'name':'g'},'spec':{'feed':" FEED_CONFIG ",'overrides':[]}}");
    hub_settle(w);
    cf_autojson json_t *manifest =
        sbx_api_one(w->hub, CN_G_APPS, "manifests", CN_RESERVED, "configmaps.shop.a");
    const char *uid = cf_json_str(manifest, "", "metadata", "uid", NULL);
    cf_autofree char *joined = cf_xasprintf("/metadata/labels/%s", uid);
    assert_string_equal(field(w->hub, CN_G_APPS, "localizations", ns, "last", joined), "ConfigMap");
    cf_autojson json_t *patch =
        json_pack("{s:{s:[{s:s,s:s,s:s}]}}", "spec", "overrides", "name", "a", "type", "JSONPatch",
                  "value", "[{\"op\":\"replace\",\"path\":\"/data/k\",\"value\":\"west\"}]");
    cf_autofree char *path = path_of(CN_G_APPS, "localizations", ns);
    assert_int_equal(sbx_api_do(w->hub, "test", "PATCH", "application/merge-patch+json", patch,
                                NULL, "%s/last", path),
                     200);
    subscribe(w, "s", "west", FEED_CONFIG);
    until_config(w, "west");
}

static void switches_are_checked(void **state)
{
    struct hub_world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    assert_false(sbx_clusternet_switch(w->clusternet, NULL, "nothing", 1, &err));
    assert_int_equal(err.kind, CF_ERR_INVALID);
    cf_error_clear(&err);
    assert_false(sbx_clusternet_switch(w->clusternet, "north", "notReady", 1, &err));
    assert_int_equal(err.kind, CF_ERR_NOT_FOUND);
    hub_switch(w, NULL, "shadowDown", 1);
    assert_int_equal(shadow(w, "GET", "configmaps", NULL), 503);
    sbx_clusternet_heal(w->clusternet);
    assert_int_equal(shadow(w, "GET", "configmaps", NULL), 200);
}

int main(void)
{
#define PROOF(fn) cmocka_unit_test_setup_teardown(fn, setup, hub_down)
    const struct CMUnitTest tests[] = {
        PROOF(a_template_is_no_object),
        PROOF(a_dry_run_creates),
        PROOF(what_is_tried_gets_the_hubs_defaults),
        PROOF(what_is_subscribed_is_deployed_and_kept),
        PROOF(it_merges_over_what_is_there_and_deletes_it_by_name),
        PROOF(a_fed_namespace_goes_with_the_subscription),
        PROOF(what_leaves_the_feeds_is_deleted),
        PROOF(a_member_that_is_not_ready_is_not_touched),
        PROOF(a_fed_template_is_not_let_go),
        PROOF(overrides_are_put_over_by_priority),
        PROOF(switches_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
