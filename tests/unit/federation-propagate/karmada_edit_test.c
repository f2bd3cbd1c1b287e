/* SPDX-License-Identifier: Apache-2.0 */
/* Proves where the switch puts the fields by which a copy stands still: in its OverridePolicy, beside what
 * stands there, as often as it likes. */
#include "federation/propagate/karmada.h"

#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define KEY    "keda.sh/ScaledObject/shop/db"
#define PAUSED "autoscaling.keda.sh/paused-replicas"

/* As it is made for a copy that waits. */
#define OVERRIDERS                                                                                 \
    "{'labelsOverrider':[{'operator':'add','value':{'crossfade.dev/run':'r'}}],"                   \
    "'annotationsOverrider':[{'operator':'add','value':{'crossfade.dev/activate':'x','" PAUSED     \
    "':'0'}}]}"

static const struct {
    const char *field, *value; /* JSON */
    const char *annotations;   /* rows of the overrider afterwards */
    const char *plaintext;
} edits[] = {
    { "paused", "null", "[{'operator':'add','value':{'crossfade.dev/activate':'x'}}]", "null" },
    { "paused", "'2'",
      "[{'operator':'add','value':{'crossfade.dev/activate':'x'}},"
      "{'operator':'add','value':{'" PAUSED "':'2'}}]",
      "null" },
    { "replicas", "3",
      "[{'operator':'add','value':{'crossfade.dev/activate':'x','" PAUSED "':'0'}}]",
      "[{'path':'/spec/replicas','operator':'add','value':3}]" },
};

static json_t *parse(const char *text)
{
    cf_autofree char *one = cf_xasprintf("[%s]", text);
    cf_autojson json_t *list = cf_test_json(one);
    return json_incref(json_array_get(list, 0));
}

static void each_field_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(edits); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_fake_kube *api = cf_fake_kube_new();
        struct cf_propagation p = { .target_namespace = "shop", .run_id = "r" };
        struct cf_karmada k = { .p = &p, .target = "west", .id = "id" };
        char name[CF_KARMADA_NAME_MAX];
        cf_karmada_override_name(&k, KEY, name);
        cf_fake_kube_kind(api, CF_KARMADA_POLICY_API, "OverridePolicy", "overridepolicies", true);
        cf_autojson json_t *override =
            json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:[{s:{s:[s]}, s:o}]}}", "apiVersion",
                      CF_KARMADA_POLICY_API, "kind", "OverridePolicy", "metadata", "name", name,
                      "namespace", "shop", "spec", "overrideRules", "targetCluster", "clusterNames",
                      "west", "overriders", parse(OVERRIDERS));
        cf_fake_kube_put_json(api, override);
        k.hub = cf_fake_kube_client(api, "hub");
        cf_autojson json_t *entry = json_pack("{s:s}", "key", KEY);
        cf_autojson json_t *value = parse(edits[i].value);
        for (int times = 0; times < 2; times++)
            assert_ok(cf_karmada_set_field(&k, entry, edits[i].field, value, &err), &err);
        cf_autojson json_t *now =
            cf_fake_kube_peek(api, CF_KARMADA_POLICY_API, "OverridePolicy", "shop", name);
        const json_t *overriders = json_object_get(
            json_array_get(cf_json_at(now, "spec", "overrideRules", NULL), 0), "overriders");
        cf_autojson json_t *annotations = parse(edits[i].annotations);
        cf_autojson json_t *plaintext = parse(edits[i].plaintext);
        const json_t *ops = json_object_get(overriders, "plaintext");
        if (!json_equal(json_object_get(overriders, "annotationsOverrider"), annotations) ||
            (ops ? !json_equal(ops, plaintext) : !json_is_null(plaintext))) {
            cf_autofree char *text = cf_json_dump(overriders);
            fail_msg("%s %s: %s", edits[i].field, edits[i].value, text);
        }
        cf_kube_unref(k.hub);
        cf_fake_kube_free(api);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
