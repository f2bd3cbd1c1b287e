/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that each way's restore is told what is right where it restores: there the plan's class and size and the copy's
 * placement, back what the source had; the target's class may not exist there, and its nodes do not. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES("") REVERSE

/* clang-format off */
#define NAMED "'name':'data','strategy':'veleroFsBackup','verify':'none',"
#define WEST NAMED "'storageClass':'fast-west','size':'20Gi','placement':" POOL("west")
#define POOL(of) "{'nodeSelector':{'pool':'" of "'}}"
#define STANDARD "{'storageClassName':'standard'}"
#define FAST "{'resources':{'requests':{'storage':'20Gi'}},'storageClassName':'fast-west'}"
#define LARGE "{'resources':{'requests':{'storage':'20Gi'}}}"

static const struct {
    const char *what, *row;                /* of the intent */
    const char *claim_there, *pod_there;   /* the spec that is patched, or null */
    const char *claim_back, *pod_back;
} cases[] = {
    { "a class and a placement of its own", WEST ",'source':{'storageClass':'standard','placement':" POOL("east") "}", FAST, POOL("west"), STANDARD, POOL("east") },
    { "placed in the target only", WEST ",'source':{'storageClass':'standard','placement':{}}", FAST, POOL("west"), STANDARD, "null" },
    { "nobody mounts it in the source", WEST ",'source':{'storageClass':'standard'}", FAST, POOL("west"), STANDARD, "null" },
    { "placed in the source only", NAMED "'storageClass':'','size':'','placement':{},'source':{'storageClass':'standard','placement':" POOL("east") "}",
      "null", "null", STANDARD, POOL("east") },
    { "no class is known", NAMED "'storageClass':'','size':'20Gi','source':{'storageClass':''}", LARGE, "null", "null", "null" },
    { "begun by an older version", WEST, FAST, POOL("west"), FAST, POOL("west") },
};
/* clang-format on */

/* The spec that the rules of a cluster's Restore patch into a kind; "null": none is made, or it patches none. */
static char *patched(const json_t *map, const char *resource)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *text = cf_json_str(map, "", "data", "rules.yaml", NULL);
    cf_autojson json_t *rules = cf_json_parse(text, strlen(text), 0, &err);
    size_t i;
    json_t *rule;
    assert_non_null(rules);
    json_array_foreach(json_object_get(rules, "resourceModifierRules"), i, rule)
    {
        const char *data = cf_json_str(json_array_get(json_object_get(rule, "mergePatches"), 0), "",
                                       "patchData", NULL);
        cf_autojson json_t *patch = cf_json_parse(data, strlen(data), 0, &err);
        const json_t *spec = json_object_get(patch, "spec");
        if (strcmp(cf_json_str(rule, "", "conditions", "groupResource", NULL), resource) == 0 &&
            spec)
            return cf_test_dump(spec);
    }
    return cf_xstrdup("null");
}

/* The modifiers of this way's Restore, once they stand. */
static json_t *modifiers_of(struct data *d, struct side *s, const char *way)
{
    cf_autojson json_t *maps = all(&d->velero, s, "v1", "ConfigMap", "velero");
    size_t i;
    json_t *map;
    json_array_foreach(maps, i, map)
    {
        if (strcmp(label_of(map, CF_VELERO_LABEL_WAY), way) == 0)
            return json_incref(map);
    }
    return NULL;
}

static json_t *until_modifiers(struct data *d, struct side *s, const char *way)
{
    for (int k = 0; k < 300; k++) {
        json_t *map = modifiers_of(d, s, way);
        if (map)
            return map;
        data_pass(d);
    }
    dump_run(d->w);
    fail_msg("no modifiers of the way %s: %s, hold %s: %s", way, state_of(d->w), hold_of(d->w),
             hold_message(d->w));
    return NULL;
}

static void check_way(size_t i, const char *way, const json_t *map, const char *claim,
                      const char *pod)
{
    cf_autofree char *of_claim = patched(map, "persistentvolumeclaims");
    cf_autofree char *of_pod = patched(map, "pods");
    if (strcmp(of_claim, claim) != 0 || strcmp(of_pod, pod) != 0)
        fail_msg("%s, %s: claims get %s, not %s; pods %s, not %s", cases[i].what, way, of_claim,
                 claim, of_pod, pod);
}

/* A Backup's stage pods are in the other cluster: what the source has is not for them. */
static void check_readers(struct data *d, size_t i)
{
    cf_autojson json_t *pods = all(&d->velero, &d->velero.west, "v1", "Pod", "web");
    size_t j, n = 0;
    json_t *pod;
    json_array_foreach(pods, j, pod)
    {
        if (strcmp(label_of(pod, CF_VELERO_LABEL_WAY), "back") != 0)
            continue;
        n++;
        if (cf_json_at(pod, "spec", "nodeSelector", NULL))
            fail_msg("%s: pod %s is placed as in the source", cases[i].what, name_of(pod));
    }
    if (n != 1)
        fail_msg("%s: %zu stage pods in the target", cases[i].what, n);
}

static struct data *begun_with(const char *row)
{
    struct data *d = data_new(PLAN);
    cf_autofree char *claims = cf_xasprintf("[{%s}]", row);
    json_t *intent = json_object_get(step_at(d->w, "volume.sync", 0), "intent");
    json_object_set_new(intent, "claims", cf_test_json(claims));
    d->moves_back = true;
    bind_source(d);
    return d;
}

static void each_way_restores_for_where_it_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct data *d = begun_with(cases[i].row);
        cf_autojson json_t *there = until_modifiers(d, &d->velero.west, "there");
        check_way(i, "there", there, cases[i].claim_there, cases[i].pod_there);
        data_until_step(d, "traffic.soak", 0, "applied");
        act(d->w, "rollback");
        data_pass(d);
        check_readers(d, i);
        cf_autojson json_t *back = until_modifiers(d, &d->velero.east, "back");
        check_way(i, "back", back, cases[i].claim_back, cases[i].pod_back);
        data_until(d, "rolled-back", 300);
        assert_int_equal(replicas(d->w->dc1), 1);
        data_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_restores_for_where_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
