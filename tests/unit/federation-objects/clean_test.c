/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the strip list, object in → object out, and what is never copied. */
#include "tests/support/test.h"

#include "federation/objects/clean.h"
#include "tests/support/quick_json.h"

#define POD(spec) "'template':{'metadata':{'labels':{'a':'b'}},'spec':" spec "}"

static const struct {
    const char *name, *in, *out;
} table[] = {
    { "what the server keeps goes",
      "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','namespace':'n','uid':'u','resourceVersion':'1','generation':2,"
      "'creationTimestamp':'t','managedFields':[],'finalizers':['f'],'ownerReferences':[],'selfLink':'/'},'data':{'k':'v'}}",
      "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','namespace':'n'},'data':{'k':'v'}}" },
    { "keys of other tools go, people's stay",
      "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','labels':{'app':'x','velero.io/restore-name':'r',"
      "'argocd.argoproj.io/instance':'i'},'annotations':{'kubectl.kubernetes.io/last-applied-configuration':'{}',"
      "'note':'kept','resourcebinding.karmada.io/name':'b','kustomize.toolkit.fluxcd.io/name':'k'}}}",
      "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','labels':{'app':'x'},'annotations':{'note':'kept'}}}" },
    { "maps that become empty go",
      "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','annotations':{'crossfade.dev/epoch':'3'},"
      "'labels':{'crossfade.dev/run':'r'}}}",
      "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'}}" },
    { "a Deployment loses revision, status and what kubelets add",
      "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'a','annotations':{'deployment.kubernetes.io/revision':'4'}},"
      "'spec':{'replicas':2,'template':{'metadata':{'creationTimestamp':null,'labels':{'a':'b'},'annotations':{"
      "'kubectl.kubernetes.io/restartedAt':'t'}},'spec':{'nodeName':'n1','serviceAccount':'sa','serviceAccountName':'sa',"
      "'priority':5,'priorityClassName':'high','volumes':[{'name':'sa-token-abcde'},{'name':'kube-api-access-x'},{'name':'data'}],"
      "'containers':[{'name':'c','volumeMounts':[{'name':'sa-token-abcde'},{'name':'data'}]}]}}},'status':{'replicas':2}}",
      "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'a'},'spec':{'replicas':2,'template':{'metadata':{"
      "'labels':{'a':'b'},'annotations':{'kubectl.kubernetes.io/restartedAt':'t'}},'spec':{'serviceAccountName':'sa',"
      "'priorityClassName':'high','volumes':[{'name':'data'}],'containers':[{'name':'c','volumeMounts':[{'name':'data'}]}]}}}}" },
    /* clang-format off */
    { "a StatefulSet's claim templates lose status",
      "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'a'},'spec':{" POD("{'containers':[]}") ",'volumeClaimTemplates':"
      "[{'metadata':{'name':'d','creationTimestamp':null},'spec':{'x':1},'status':{'phase':'Pending'}}]}}",
      "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'a'},'spec':{" POD("{'containers':[]}") ",'volumeClaimTemplates':"
      "[{'metadata':{'name':'d'},'spec':{'x':1}}]}}" },
    /* clang-format on */
    { "a Job loses the selector that its controller made",
      "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'a','labels':{'job-name':'a','mine':'1'}},'spec':{'selector':{'matchLabels':"
      "{'controller-uid':'u'}},'template':{'metadata':{'labels':{'controller-uid':'u','batch.kubernetes.io/job-name':'a','x':'y'}},"
      "'spec':{'containers':[]}}}}",
      "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'a','labels':{'mine':'1'}},'spec':{"
      "'template':{'metadata':{'labels':{'x':'y'}},'spec':{'containers':[]}}}}" },
    { "a Job with a selector of its own keeps it",
      "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'a'},'spec':{'manualSelector':true,'selector':{'matchLabels':{'x':'y'}},"
      "'template':{'spec':{'containers':[]}}}}",
      "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'a'},'spec':{'manualSelector':true,'selector':{'matchLabels':{'x':'y'}},"
      "'template':{'spec':{'containers':[]}}}}" },
    { "a Service loses addresses and given node ports",
      "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1'],'ipFamilies':"
      "['IPv4'],'ipFamilyPolicy':'SingleStack','healthCheckNodePort':31000,'selector':{'x':'y'},'ports':[{'port':80,'nodePort':30080}]}}",
      "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{'selector':{'x':'y'},'ports':[{'port':80}]}}" },
    { "a headless Service stays headless",
      "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{'clusterIP':'None','clusterIPs':['None'],'ports':[]}}",
      "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{'clusterIP':'None','clusterIPs':['None'],'ports':[]}}" },
    { "a node port that was applied stays",
      "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a','managedFields':[{'operation':'Apply','fieldsV1':{'f:spec':{'f:ports':{"
      "'k:{\\\"port\\\":80,\\\"protocol\\\":\\\"TCP\\\"}':{'f:nodePort':{}}}}}}]},'spec':{'ports':[{'port':80,'protocol':'TCP','nodePort':30080}]}}",
      "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{'ports':[{'port':80,'protocol':'TCP','nodePort':30080}]}}" },
    { "a claim loses its volume and data source",
      "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'a','annotations':{'pv.kubernetes.io/bind-completed':'yes',"
      "'volume.kubernetes.io/selected-node':'n'}},'spec':{'volumeName':'pv1','dataSource':{},'storageClassName':'s'},'status':{}}",
      "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'a'},'spec':{'storageClassName':'s'}}" },
    { "a ServiceAccount loses its token Secrets",
      "{'apiVersion':'v1','kind':'ServiceAccount','metadata':{'name':'sa'},'secrets':[{'name':'sa-token-x'},{'name':'sa-dockercfg-y'}],"
      "'imagePullSecrets':[{'name':'pull'}]}",
      "{'apiVersion':'v1','kind':'ServiceAccount','metadata':{'name':'sa'},'imagePullSecrets':[{'name':'pull'}]}" },
    { "a Namespace loses what the server gave it",
      "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'a','labels':{'kubernetes.io/metadata.name':'a','team':'x'}},"
      "'spec':{'finalizers':['kubernetes']},'status':{'phase':'Active'}}",
      "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'a','labels':{'team':'x'}},'spec':{}}" },
};

static void objects_become_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        cf_autojson json_t *in = cf_test_json(table[i].in);
        cf_autojson json_t *before = cf_json_copy(in);
        cf_autojson json_t *want = cf_test_json(table[i].out);
        cf_autojson json_t *got = cf_object_clean(in);
        cf_autofree char *text = cf_test_dump(got);
        if (!json_equal(got, want))
            fail_msg("%s: %s", table[i].name, text);
        if (!json_equal(in, before))
            fail_msg("%s: the input was changed", table[i].name);
        cf_autojson json_t *again = cf_object_clean(got);
        if (!json_equal(got, again) && !strstr(table[i].name, "node port"))
            fail_msg("%s: cleaning twice changes it", table[i].name);
    }
}

static void some_things_are_never_copied(void **state)
{
    (void)state;
    static const struct {
        const char *object, *reason;
    } cases[] = {
        { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'kube-root-ca.crt'}}",
          "every cluster makes its own" },
        { "{'apiVersion':'v1','kind':'ServiceAccount','metadata':{'name':'default'}}",
          "every namespace has its own" },
        { "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'t'},'type':'kubernetes.io/service-account-token'}",
          "token" },
        { "{'apiVersion':'v1','kind':'Event','metadata':{'name':'e'}}", "its kind is not copied" },
        { "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'j','ownerReferences':[{'controller':true}]}}",
          "CronJob" },
        { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','deletionTimestamp':'t'}}",
          "being deleted" },
        { "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'s'},'type':'Opaque'}", NULL },
        { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'}}", NULL },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *o = cf_test_json(cases[i].object);
        const char *reason = cf_object_skip_reason(o);
        if (cases[i].reason ? !reason || !strstr(reason, cases[i].reason) : reason != NULL)
            fail_msg("%s: %s", cases[i].object, reason ? reason : "(copied)");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_become_clean),
        cmocka_unit_test(some_things_are_never_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
