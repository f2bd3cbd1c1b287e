/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what of a policy lets its objects be taken over and given back; how a claim is read from an
 * object and compared; that objects of others have policies of their own, which never overwrite and
 * are found again by a label; and what an OverridePolicy says of a template that is not ours. */
#include "federation/propagate/karmada.h"

#include "tests/support/quick_json.h"
#include "tests/support/test.h"

/* --- which policies --- */

#define PLAIN "'placement':{'clusterAffinity':{'clusterNames':['east']}}"

static const struct {
    const char *spec, *word; /* NULL: it is taken over */
} specs[] = {
    { PLAIN, NULL },
    { PLAIN ",'propagateDeps':false,'preemption':'Never','priority':7", NULL },
    { "'placement':{'clusterAffinity':{'clusterNames':['east']},'replicaScheduling':{"
      "'replicaSchedulingType':'Duplicated'}}",
      NULL },
    { "'placement':{'clusterAffinity':{'clusterNames':['east'],'exclude':[]}},'failover':null",
      NULL },
    { "'placement':{}", "east" },
    { "'placement':{'clusterAffinity':{'clusterNames':['west']}}", "east" },
    { "'placement':{'clusterAffinity':{'clusterNames':['east','west']}}", "alone" },
    { "'placement':{'clusterAffinity':{'clusterNames':['east'],'labelSelector':{'matchLabels':{"
      "'a':'b'}}}}",
      "labelSelector" },
    { "'placement':{'clusterAffinity':{'clusterNames':['east'],'fieldSelector':{'a':1}}}",
      "fieldSelector" },
    { "'placement':{'clusterAffinity':{'clusterNames':['east'],'exclude':['west']}}", "exclude" },
    { "'placement':{'clusterAffinities':[{'affinityName':'a','clusterNames':['east']}]}",
      "clusterAffinities" },
    { "'placement':{'clusterAffinity':{'clusterNames':['east']},'spreadConstraints':[{'maxGroups':"
      "1}]}",
      "spreadConstraints" },
    { "'placement':{'clusterAffinity':{'clusterNames':['east']},'workloadAffinity':{'a':1}}",
      "workloadAffinity" },
    { "'placement':{'clusterAffinity':{'clusterNames':['east']},'replicaScheduling':{"
      "'replicaSchedulingType':'Divided'}}",
      "divides" },
    { PLAIN ",'propagateDeps':true", "propagateDeps" },
    { PLAIN ",'failover':{}", NULL },
    { PLAIN ",'failover':{'application':{'purgeMode':'Gracefully'}}", "failover" },
    { PLAIN ",'suspension':{'dispatching':true}", "suspension" },
    { PLAIN ",'activationPreference':'Lazy'", "Lazy" },
    { PLAIN ",'preemption':'Always'", "preemption" },
};

static void only_plain_policies_are_relieved(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(specs); i++) {
        cf_autofree char *text = cf_xasprintf("{'spec':{%s}}", specs[i].spec);
        cf_autojson json_t *policy = cf_test_json(text);
        const char *hint = NULL;
        cf_autofree char *why = cf_karmada_not_plain(policy, "east", &hint);
        if ((why != NULL) != (specs[i].word != NULL) || (why && !strstr(why, specs[i].word)))
            fail_msg("%s: %s", specs[i].spec, why ? why : "taken over");
        if (why)
            assert_true(hint && *hint);
    }
    cf_autojson json_t *going =
        cf_test_json("{'metadata':{'deletionTimestamp':'x'},'spec':{" PLAIN "}}");
    const char *hint = NULL;
    cf_autofree char *why = cf_karmada_not_plain(going, "east", &hint);
    assert_non_null(why);
}

/* --- claims --- */

static const struct {
    const char *metadata, *text; /* NULL: nobody's */
} claims[] = {
    { "{}", NULL },
    { "{'labels':{'propagationpolicy.karmada.io/permanent-id':'1'}}", NULL },
    { "{'labels':{'propagationpolicy.karmada.io/permanent-id':'1'},'annotations':{"
      "'propagationpolicy.karmada.io/name':'web','propagationpolicy.karmada.io/namespace':'shop'}}",
      "PropagationPolicy shop/web" },
    { "{'labels':{'clusterpropagationpolicy.karmada.io/permanent-id':'2'},'annotations':{"
      "'clusterpropagationpolicy.karmada.io/name':'all'}}",
      "ClusterPropagationPolicy all" },
    { "{'labels':{'propagationpolicy.karmada.io/permanent-id':'1',"
      "'clusterpropagationpolicy.karmada.io/permanent-id':'2'},'annotations':{"
      "'propagationpolicy.karmada.io/name':'web','propagationpolicy.karmada.io/namespace':'shop',"
      "'clusterpropagationpolicy.karmada.io/name':'all'}}",
      "PropagationPolicy shop/web" },
};

static void a_claim_is_read_from_an_object(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(claims); i++) {
        cf_autofree char *text = cf_xasprintf("{'metadata':%s}", claims[i].metadata);
        cf_autojson json_t *object = cf_test_json(text);
        cf_autojson json_t *claim = cf_karmada_claim(object);
        cf_autofree char *said = claim ? cf_karmada_claim_text(claim) : NULL;
        assert_true((said != NULL) == (claims[i].text != NULL));
        if (said)
            assert_string_equal(said, claims[i].text);
        assert_true(cf_karmada_claim_same(claim, claim) == (claim != NULL));
    }
}

/* --- policies --- */

struct subject {
    struct cf_propagation p;
    struct cf_karmada k;
    json_t *state, *copy;
};

static void subject_open(struct subject *s)
{
    s->state = cf_test_json("{'target':'west','source':'east','scheduler':'own','placed':{"
                            "'core/ConfigMap/shop/theirs':{'kind':'PropagationPolicy','namespace':"
                            "'shop','name':'web','id':'1'}}}");
    s->copy = cf_test_json("{'mode':'adopt'}");
    s->p = (struct cf_propagation){
        .run_id = "run-1", .target_namespace = "shop", .copy = s->copy, .state = s->state
    };
    cf_karmada_view(&s->p, &s->k);
}

static void subject_close(struct subject *s)
{
    json_decref(s->state);
    json_decref(s->copy);
}

#define ITEM(name)                                                                                 \
    "{'key':'core/ConfigMap/shop/" name "','wave':3,'ref':{'group':'','version':'v1','kind':"      \
    "'ConfigMap','namespace':'shop','name':'" name "'},'template':{'data':{'a':'1'},'metadata':{"  \
    "'labels':{'crossfade.dev/run':'run-1'}}},'body':{'apiVersion':'v1','kind':'ConfigMap',"       \
    "'metadata':{'name':'" name "','namespace':'shop','labels':{'crossfade.dev/run':'run-1'}},"    \
    "'data':{'a':'2'}}}"

static void what_is_placed_has_policies_of_its_own(void **state)
{
    (void)state;
    struct subject s;
    subject_open(&s);
    cf_autojson json_t *inventory =
        cf_test_json("{'objects':[" ITEM("ours") "," ITEM("theirs") "," ITEM("ours2") "]}");
    cf_karmada_assign(&s.k, inventory);
    json_t *policies = cf_karmada_policies(&s.k);
    assert_int_equal(json_array_size(policies), 2);
    static const struct {
        bool placed;
        size_t objects;
        const char *taking;
    } rows[] = { { false, 2, "Overwrite" }, { true, 1, "Abort" } };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        json_t *policy = json_array_get(policies, i);
        cf_autojson json_t *taking = cf_karmada_policy_body(&s.k, policy, CF_PHASE_TAKING);
        cf_autojson json_t *placed = cf_karmada_policy_body(&s.k, policy, CF_PHASE_PLACED);
        assert_true(cf_json_bool(policy, false, "placed", NULL) == rows[i].placed);
        assert_int_equal(json_array_size(json_object_get(policy, "objects")), rows[i].objects);
        assert_string_equal(cf_json_str(taking, "", "spec", "conflictResolution", NULL),
                            rows[i].taking);
        assert_string_equal(cf_json_str(placed, "", "spec", "conflictResolution", NULL), "Abort");
        assert_true((cf_json_at(taking, "metadata", "labels", CF_LABEL_PLACED, NULL) != NULL) ==
                    rows[i].placed);
        assert_true(cf_json_bool(placed, false, "spec", "suspension", "dispatching", NULL));
    }
    subject_close(&s);
}

/* Its owner's template says nothing of our run: the target gets our label by the override, and the
 * source gets nothing. */
static void a_template_of_others_is_overridden_in_the_target(void **state)
{
    (void)state;
    struct subject s;
    subject_open(&s);
    cf_autojson json_t *item = cf_test_json(ITEM("theirs"));
    cf_autojson json_t *live = cf_test_json(
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'theirs','namespace':'shop','uid':"
        "'u','labels':{'argocd.argoproj.io/instance':'x','propagationpolicy.karmada.io/permanent-id'"
        ":'1'},'annotations':{'kubectl.kubernetes.io/last-applied-configuration':'{}'}},'data':{'a':"
        "'1','b':'2'}}");
    cf_autojson json_t *override = cf_karmada_override(&s.k, item, live);
    cf_autojson json_t *wanted = cf_test_json(
        "[{'targetCluster':{'clusterNames':['west']},'overriders':{'plaintext':[{'path':'/data/b',"
        "'operator':'remove'},{'path':'/data/a','operator':'add','value':'2'}],'labelsOverrider':[{"
        "'operator':'add','value':{'crossfade.dev/run':'run-1'}},{'operator':'remove','value':{"
        "'argocd.argoproj.io/instance':'x'}}]}}]");
    const json_t *rules = cf_json_at(override, "spec", "overrideRules", NULL);
    if (!cf_json_equal(rules, wanted)) {
        cf_autofree char *text = cf_json_dump(rules ? rules : json_null());
        fail_msg("%s", text);
    }
    subject_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_policies_are_relieved),
        cmocka_unit_test(a_claim_is_read_from_an_object),
        cmocka_unit_test(what_is_placed_has_policies_of_its_own),
        cmocka_unit_test(a_template_of_others_is_overridden_in_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
