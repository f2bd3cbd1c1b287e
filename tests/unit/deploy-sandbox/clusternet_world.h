/* SPDX-License-Identifier: Apache-2.0 */
/* A hub of Clusternet over two clusters for tests. Objects are written as JSON with single quotes
 * (controllers_world.h). */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_CLUSTERNET_WORLD_H
#define TESTS_UNIT_DEPLOY_SANDBOX_CLUSTERNET_WORLD_H

#include "deploy/sandbox/clusternet/clusternet.h"
#include "deploy/sandbox/clusternet/words.h"
#include "tests/unit/deploy-sandbox/controllers_world.h"

struct hub_world {
    struct sbx_api *hub, *east, *west;
    struct sbx_controllers *controllers, *upkeep;
    struct sbx_clusternet *clusternet;
};

enum { HUB_UNTIL_MS = 20000 };

static inline void hub_settle(struct hub_world *w)
{
    assert_true(sbx_clusternet_settle(w->clusternet, SETTLE_MS));
    assert_true(sbx_controllers_settle(w->controllers, SETTLE_MS));
}

static inline int hub_up(void **state)
{
    struct hub_world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    w->hub = sbx_api_new_hub("hub");
    w->east = sbx_api_new("east");
    w->west = sbx_api_new("west");
    struct sbx_api *members[] = { w->east, w->west };
    const struct sbx_controllers_options kept = patient();
    w->controllers = sbx_controllers_start(members, 2, &kept, &err);
    const struct sbx_controllers_options upkeep = { .only_upkeep = true };
    w->upkeep = sbx_controllers_start(&w->hub, 1, &upkeep, &err);
    const struct sbx_clusternet_options options = {
        .hub = w->hub, .members = members, .count = 2, .listener_slot = 2
    };
    w->clusternet = sbx_clusternet_start(&options, &err);
    assert_non_null(w->clusternet);
    hub_settle(w);
    *state = w;
    return 0;
}

static inline int hub_down(void **state)
{
    struct hub_world *w = *state;
    sbx_clusternet_stop(w->clusternet);
    sbx_controllers_stop(w->controllers);
    sbx_controllers_stop(w->upkeep);
    sbx_api_free(w->hub);
    sbx_api_free(w->east);
    sbx_api_free(w->west);
    free(w);
    return 0;
}

static inline void hub_switch(struct hub_world *w, const char *member, const char *name,
                              int64_t value)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!sbx_clusternet_switch(w->clusternet, member, name, value, &err))
        fail_msg("%s", err.message);
}

/* The ManagedCluster of a member; new reference. */
static inline json_t *managed_of(struct hub_world *w, const char *member)
{
    cf_autojson json_t *all = sbx_api_all(w->hub, CN_G_CLUSTERS, "managedclusters", NULL);
    size_t i;
    json_t *m;
    json_array_foreach(all, i, m)
    {
        if (strcmp(cf_json_str(m, "", "metadata", "labels", CN_CLUSTER_NAME, NULL), member) == 0)
            return json_incref(m);
    }
    fail_msg("no member %s", member);
    return NULL;
}

/* Waits until a thing is (not) there. */
static inline void until_there(struct sbx_api *api, const char *group, const char *plural,
                               const char *ns, const char *name, bool there)
{
    int64_t end = cf_mono_now_ms() + HUB_UNTIL_MS;
    while (is_there(api, group, plural, ns, name) != there) {
        if (cf_mono_now_ms() > end)
            fail_msg("%s/%s is %s there", plural, name, there ? "not" : "still");
        cf_sleep_ms(&cf_clock_real, 2);
    }
}

static inline void until_is(struct sbx_api *api, const char *group, const char *plural,
                            const char *ns, const char *name, const char *pointer, const char *want)
{
    int64_t end = cf_mono_now_ms() + HUB_UNTIL_MS;
    while (strcmp(field(api, group, plural, ns, name, pointer), want) != 0) {
        if (cf_mono_now_ms() > end)
            fail_msg("%s/%s %s is \"%s\", not \"%s\"", plural, name, pointer,
                     field(api, group, plural, ns, name, pointer), want);
        cf_sleep_ms(&cf_clock_real, 2);
    }
}

/* A call of the shadow API in namespace `shop`; the status. */
static inline int shadow(struct hub_world *w, const char *method, const char *rest,
                         const char *quoted)
{
    cf_autojson json_t *body = quoted ? read_json(quoted) : NULL;
    const char *type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json" : NULL;
    return sbx_api_do(w->hub, "test", method, type, body, NULL, CN_SHADOW "/namespaces/shop/%s",
                      rest);
}

#define UNTRIED "'annotations':{'apps.clusternet.io/skip-validating':'true'}"
#define CONFIG(value)                                                                              \
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'," UNTRIED                        \
    "},'data':{'k':'" value "'}}"
#define FEED_CONFIG "{'apiVersion':'v1','kind':'ConfigMap','namespace':'shop','name':'a'}"
#define FEED_SPACE  "{'apiVersion':'v1','kind':'Namespace','name':'shop'}"

/* A Subscription `s` of the feeds by that member. */
static inline void subscribe(struct hub_world *w, const char *name, const char *member,
                             const char *feeds)
{
    cf_autofree char *text = cf_xasprintf(
        "{'metadata':{'name':'%s'},'spec':{'subscribers':[{'clusterAffinity':{'matchLabels':"
        "{'" CN_CLUSTER_NAME "':'%s'}}}],'feeds':[%s]}}",
        name, member, feeds);
    make(w->hub, CN_G_APPS, "subscriptions", "shop", text);
}

#endif
