/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what belongs together: one namespace in, the members with their reasons out, for each way in which an object can be
 * needed or can act on another; and what a closure refuses or remarks. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "base/buf.h"
#include "federation/objects/closure.h"
#include "federation/objects/kinds.h"
#include "tests/support/quick_json.h"

/* clang-format off */
#define META(name) "'metadata':{'name':'" name "','namespace':'n','labels':{'l':'" name "'}}"
#define WEB(spec) "{'apiVersion':'apps/v1','kind':'Deployment'," META("web") ",'spec':{'replicas':2,'template':{'metadata':{'labels':{'app':'web'}},'spec':" spec "}}}"
#define WEB_SERVICE "{'apiVersion':'v1','kind':'Service'," META("web") ",'spec':{'selector':{'app':'web'}}}"
#define CM(name) "{'apiVersion':'v1','kind':'ConfigMap'," META(name) "}"
#define SECRET(name) "{'apiVersion':'v1','kind':'Secret'," META(name) "}"
#define DEFAULTS "'exclude':[],'onConflict':'fail','start':'auto'"

static const struct {
    const char *name, *objects, *workloads, *members; /* "Kind/name" in order, blanks between */
} table[] = {
    { "the router's Service selects", "[" WEB_SERVICE "," WEB("{}") "," CM("other") "]", "{'include':[]," DEFAULTS "}",
      "Service/web Deployment/web" },
    { "environment and volumes name things",
      "[" WEB_SERVICE "," CM("a") "," CM("b") "," CM("c") "," CM("d") "," SECRET("e") "," SECRET("f") "," SECRET("g") "," SECRET("h") "," SECRET("unused") ","
      WEB("{'initContainers':[{'env':[{'valueFrom':{'configMapKeyRef':{'name':'a'}}},{'valueFrom':{'secretKeyRef':{'name':'e'}}}]}],"
          "'containers':[{'envFrom':[{'configMapRef':{'name':'b'}},{'secretRef':{'name':'f'}}]}],"
          "'volumes':[{'configMap':{'name':'c'}},{'secret':{'secretName':'g'}},{'projected':{'sources':[{'configMap':{'name':'d'}}]}},"
          "{'csi':{'nodePublishSecretRef':{'name':'h'}}}]}") "]",
      "{'include':[]," DEFAULTS "}",
      "Secret/e Secret/f Secret/g Secret/h ConfigMap/a ConfigMap/b ConfigMap/c ConfigMap/d Service/web Deployment/web" },
    { "an account with its rights and pull secrets",
      "[" WEB_SERVICE "," WEB("{'serviceAccountName':'sa','imagePullSecrets':[{'name':'p1'}]}") ","
      "{'apiVersion':'v1','kind':'ServiceAccount'," META("sa") ",'imagePullSecrets':[{'name':'p2'}]}," SECRET("p1") "," SECRET("p2") ","
      "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'Role'," META("r") "},{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'Role'," META("r2") "},"
      "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding'," META("b") ",'roleRef':{'kind':'Role','name':'r'},'subjects':[{'kind':"
      "'ServiceAccount','name':'sa'}]},{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding'," META("b2") ",'roleRef':{'kind':'Role','name':'r2'},"
      "'subjects':[{'kind':'ServiceAccount','name':'sa','namespace':'elsewhere'}]}]",
      "{'include':[]," DEFAULTS "}", "ServiceAccount/sa Role/r RoleBinding/b Secret/p1 Secret/p2 Service/web Deployment/web" },
    { "a StatefulSet with its Service and claims",
      "[{'apiVersion':'apps/v1','kind':'StatefulSet'," META("db") ",'spec':{'serviceName':'db','volumeClaimTemplates':[{'metadata':{'name':'data'}}],'template':{'metadata':"
      "{'labels':{'app':'db'}},'spec':{}}}},{'apiVersion':'v1','kind':'Service'," META("db") ",'spec':{'clusterIP':'None'}},"
      "{'apiVersion':'v1','kind':'PersistentVolumeClaim'," META("data-db-0") "},{'apiVersion':'v1','kind':'PersistentVolumeClaim'," META("data-db-1") "},"
      "{'apiVersion':'v1','kind':'PersistentVolumeClaim'," META("data-db-x") "},{'apiVersion':'v1','kind':'PersistentVolumeClaim'," META("data-dbx-0") "}]",
      "{'include':[{'kind':'StatefulSet','name':'db'}]," DEFAULTS "}",
      "PersistentVolumeClaim/data-db-0 PersistentVolumeClaim/data-db-1 Service/db StatefulSet/db" },
    { "what acts on a workload",
      "[" WEB_SERVICE "," WEB("{}") ",{'apiVersion':'policy/v1','kind':'PodDisruptionBudget'," META("pdb") ",'spec':{'selector':{'matchLabels':{'app':'web'}}}},"
      "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget'," META("pdb2") ",'spec':{'selector':{'matchLabels':{'app':'db'}}}},"
      "{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy'," META("all") ",'spec':{'podSelector':{}}},"
      "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler'," META("h") ",'spec':{'scaleTargetRef':{'kind':'Deployment','name':'web'}}},"
      "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler'," META("h2") ",'spec':{'scaleTargetRef':{'kind':'Deployment','name':'db'}}},"
      "{'apiVersion':'v1','kind':'Service'," META("web-admin") ",'spec':{'selector':{'app':'web'}}}]",
      "{'include':[]," DEFAULTS "}",
      "Service/web Service/web-admin NetworkPolicy/all Deployment/web PodDisruptionBudget/pdb HorizontalPodAutoscaler/h" },
    { "quota, limits and the namespace come with anything",
      "[" WEB_SERVICE "," WEB("{}") ",{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'n'}},{'apiVersion':'v1','kind':'ResourceQuota'," META("q") "},"
      "{'apiVersion':'v1','kind':'LimitRange'," META("l") "}]",
      "{'include':[]," DEFAULTS "}", "Namespace/n ResourceQuota/q LimitRange/l Service/web Deployment/web" },
    { "excluded things stay away, even as dependencies",
      "[" WEB_SERVICE "," WEB("{'volumes':[{'configMap':{'name':'a'}},{'secret':{'secretName':'tls-1'}}]}") "," CM("a") "," SECRET("tls-1") "]",
      "{'include':[],'exclude':[{'kind':'Secret','name':'tls-*'}],'onConflict':'fail','start':'auto'}",
      "ConfigMap/a Service/web Deployment/web" },
    { "included by selector", "[" WEB_SERVICE "," CM("x") "," CM("y") "]", "{'include':[{'kind':'ConfigMap','selector':'l=y'}]," DEFAULTS "}", "ConfigMap/y" },
};
/* clang-format on */

static json_t *closure(const char *objects, const char *workloads, const char *services,
                       struct cf_error *err)
{
    cf_autojson json_t *o = cf_test_json(objects);
    cf_autojson json_t *w = cf_test_json(workloads);
    cf_autojson json_t *s = cf_test_json(services);
    struct cf_closure_input in = { o, w, s };
    return cf_closure(&in, err);
}

static void members_of(const json_t *result, struct cf_buf *out)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(result, "members"), i, m)
    {
        const json_t *o = json_object_get(m, "object");
        cf_buf_printf(out, "%s%s/%s", i ? " " : "", cf_json_str(o, "", "kind", NULL),
                      cf_object_name(o));
    }
}

static void what_belongs_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *got =
            closure(table[i].objects, table[i].workloads,
                    strstr(table[i].name, "StatefulSet") ? "[]" : "['web']", &err);
        if (!got)
            fail_msg("%s: %s", table[i].name, err.message);
        CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(10000);
        members_of(got, &text);
        if (strcmp(cf_buf_str(&text), table[i].members) != 0)
            fail_msg("%s: %s", table[i].name, cf_buf_str(&text));
    }
}

static void every_member_says_why_and_when_it_starts(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *got = closure(
        "[" WEB_SERVICE "," WEB("{}") ",{'apiVersion':'apps/v1','kind':'Deployment'," META(
            "worker") ",'spec':{'template':{'spec':{}}}}]",
        "{'include':[{'kind':'Deployment','onConflict':'adopt'}]," DEFAULTS "}", "['web']", &err);
    assert_non_null(got);
    const json_t *members = json_object_get(got, "members");
    static const struct {
        const char *why, *start, *on_conflict;
    } want[] = { { "acts on Deployment/web", "now", "fail" },
                 { "listed in workloads.include", "now", "adopt" },
                 { "listed in workloads.include", "atSwitch", "adopt" } };
    for (size_t i = 0; i < CF_ARRAY_LEN(want); i++) {
        const json_t *m = json_array_get(members, i);
        assert_string_equal(cf_json_str(m, "", "why", NULL), want[i].why);
        assert_string_equal(cf_json_str(m, "", "start", NULL), want[i].start);
        assert_string_equal(cf_json_str(m, "", "onConflict", NULL), want[i].on_conflict);
    }
}

/* clang-format off */
static void refusals_and_remarks(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    assert_fails(closure("[" WEB_SERVICE "]", "{'include':[]," DEFAULTS "}", "['web']", &err), &err, CF_ERR_INVALID, "nothing to copy");
    assert_fails(closure("[]", "{'include':[]," DEFAULTS "}", "['web']", &err), &err, CF_ERR_INVALID, "Service web, which is not in");
    assert_fails(closure("[" WEB("{}") "]", "{'include':[{'kind':'Deployment','name':'nope'}]," DEFAULTS "}", "[]", &err), &err,
                 CF_ERR_INVALID, "row 0 matches nothing");
    static const struct {
        const char *objects, *workloads, *code, *level;
    } notes[] = {
        { "[" WEB_SERVICE "," WEB("{'volumes':[{'configMap':{'name':'gone'}}]}") "]", "{'include':[]," DEFAULTS "}", "MISSING_DEPENDENCY", "warning" },
        { "[{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'web','ownerReferences':[{'controller':true,'kind':'Shop','name':'s'}]},"
          "'spec':{'template':{'metadata':{'labels':{'app':'web'}},'spec':{}}}}," WEB_SERVICE "]", "{'include':[]," DEFAULTS "}", "OPERATOR_OWNED", "blocker" },
        { "[" WEB_SERVICE ",{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'web','labels':{'argocd.argoproj.io/instance':'x'}},"
          "'spec':{'template':{'metadata':{'labels':{'app':'web'}},'spec':{}}}}]", "{'include':[]," DEFAULTS "}", "GITOPS_TRACKED", "warning" },
        { "[{'apiVersion':'batch/v1','kind':'CronJob'," META("cron") ",'spec':{'jobTemplate':{'spec':{'template':{'spec':{}}}}}},{'apiVersion':'batch/v1',"
          "'kind':'Job','metadata':{'name':'cron-1','ownerReferences':[{'controller':true,'kind':'CronJob','name':'cron'}]},'status':{'active':1}}]",
          "{'include':[{'kind':'CronJob'}]," DEFAULTS "}", "ACTIVE_JOB", "blocker" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(notes); i++) {
        cf_autojson json_t *got = closure(notes[i].objects, notes[i].workloads, i == 3 ? "[]" : "['web']", &err);
        if (!got)
            fail_msg("%s: %s", notes[i].code, err.message);
        const json_t *note = json_array_get(json_object_get(got, "notes"), 0);
        assert_string_equal(cf_json_str(note, "", "code", NULL), notes[i].code);
        assert_string_equal(cf_json_str(note, "", "level", NULL), notes[i].level);
    }
    cf_autojson json_t *required = closure(
        "[" WEB_SERVICE "," WEB("{'priorityClassName':'gold','runtimeClassName':'kata','volumes':[{'persistentVolumeClaim':{'claimName':'c'}}]}")
        ",{'apiVersion':'v1','kind':'PersistentVolumeClaim'," META("c") ",'spec':{'storageClassName':'fast'}}]",
        "{'include':[]," DEFAULTS "}", "['web']", &err);
    cf_autofree char *text = cf_test_dump(json_object_get(required, "required"));
    assert_non_null(strstr(text, "'kind':'PriorityClass','name':'gold'"));
    assert_non_null(strstr(text, "'kind':'RuntimeClass','name':'kata'"));
    assert_non_null(strstr(text, "'kind':'StorageClass','name':'fast'"));
}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_belongs_together),
        cmocka_unit_test(every_member_says_why_and_when_it_starts),
        cmocka_unit_test(refusals_and_remarks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
