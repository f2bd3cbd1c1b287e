/* SPDX-License-Identifier: Apache-2.0 */
/* A plan with two waves, for the drivers of both federations: worker, which the target has no node
 * for until it is mended, and echo after it. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_WAVES_CASE_H
#define TESTS_UNIT_DEPLOY_SANDBOX_WAVES_CASE_H

#define WAVES_WORKLOADS                                                                            \
    "{'include':[{'kind':'Deployment','name':'echo','after':['Deployment/worker']},{'kind':"       \
    "'Deployment','name':'worker','start':'now'}],'exclude':[],'onConflict':'fail','start':"       \
    "'auto','transforms':[{'match':{'kind':'Deployment','name':'worker'},'mergePatch':{'spec':{"   \
    "'template':{'spec':{'nodeSelector':{'disk':'ssd'}}}}}}],'replicas':{'min':1}}"

/* The nodes get what worker's pods ask for. */
static inline void mend_node(struct sbx_api *api)
{
    cf_autojson json_t *nodes = sbx_api_all(api, "", "nodes", NULL);
    size_t i;
    json_t *node;
    assert_true(json_array_size(nodes) > 0);
    json_array_foreach(nodes, i, node)
    {
        merge(api, "", "nodes", NULL, cf_json_str(node, "", "metadata", "name", NULL),
              "{'metadata':{'labels':{'disk':'ssd'}}}");
    }
}

static inline bool stands(struct sbx_api *api, const char *group, const char *plural,
                          const char *name)
{
    cf_autojson json_t *object = sbx_api_one(api, group, plural, "shop", name);
    return object != NULL;
}

/* What belongs to echo comes and goes with it. */
static inline void assert_waves_stand(struct sbx_api *api, bool worker, bool echo)
{
    assert_int_equal(stands(api, "apps", "deployments", "worker"), worker);
    assert_int_equal(stands(api, "apps", "deployments", "echo"), echo);
    assert_int_equal(stands(api, "", "configmaps", "settings"), echo);
    assert_int_equal(stands(api, "", "services", "echo"), echo);
}

#endif
